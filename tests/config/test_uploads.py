"""What is too large is refused before it is stored, by the real web server and by the embedded one, with a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config import embedded
from tests.factories import make_dora
from tests.patience import PATIENCE_S
from tests.servers.programs import ROOT
from tests.servers.web import Web
from wbs.lists.bounds import MAX_BYTES
from wbs.models import ImportDraft, drafts

IMPORT = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/import/"
MEMBERS = "/companies/sample-builders/admin/members/add/"
MB = 1024 * 1024
BOUNDARY = "boundary"
PART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n'
    "Content-Type: text/csv\r\n\r\ncode,description\r\n"
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(db: None) -> Client:
    client = Client()
    client.force_login(make_dora().user)
    return client


def cookies(client: Client | None = None) -> str:
    """What a browser sends that was on the page before: without the token nothing would be read in any case."""
    session = f"; sessionid={client.cookies['sessionid'].value}" if client else ""
    return f"Cookie: csrftoken={'a' * 32}{session}\r\n"


class Upload:
    """A file of so many bytes on its way, as a browser sends it; `answer` is what came back, whenever it came."""

    def __init__(self, port: int, path: str, size: int, headers: str = "", is_chunked: bool = False) -> None:
        self.sent = 0
        self.received = b""
        self.size, self.is_chunked = size, is_chunked
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {size}"
        kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{kind}\r\n{length}\r\n{headers}\r\n"
        self.connection.sendall(head.encode())

    def run(self) -> bytes:
        listener = threading.Thread(target=self._listen)
        listener.start()
        with suppress(OSError):  # it does not want to hear more
            self._send()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        listener.join()
        self.connection.close()
        return self.received

    def _send(self) -> None:
        block = PART.encode().ljust(MB, b"x")
        while self.sent < self.size:
            piece = block[: self.size - self.sent]
            self.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if self.is_chunked else piece)
            self.sent += len(piece)

    def _listen(self) -> None:
        with suppress(OSError):
            while received := self.connection.recv(65536):
                self.received += received


@pytest.fixture(scope="module")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages name, as production collects it."""
    folder = tmp_path_factory.mktemp("static")
    own = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": "postgresql://none/none"}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **own, "STATIC_ROOT": str(folder)}, check=True)
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the web server would lay uploads."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def web(start_process: Callable[..., Web], temporary: Path, static_files: Path) -> Web:
    return start_process(Web, TMPDIR=str(temporary), STATIC_ROOT=str(static_files))


@pytest.fixture
def stored(temporary: Path) -> Iterator[Callable[[], int]]:
    """The most bytes that were seen in the folder for uploads, looked at all the time."""
    most, is_over = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not is_over.wait(0.001):
            with suppress(OSError):  # a file that is gone when it is asked for
                most = max(most, sum(path.stat().st_size for path in temporary.iterdir()))

    watcher = threading.Thread(target=look)
    watcher.start()
    yield lambda: most
    is_over.set()
    watcher.join()


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
class TestTheWebServer:
    def test_a_stranger_stores_nothing(self, web: Web, stored: Callable[[], int]) -> None:
        before = web.begin_measuring()

        for path in ("/login/", IMPORT, "/nothing/"):
            for is_chunked in (False, True):
                upload = Upload(web.port, path, 400 * MB, cookies(), is_chunked=is_chunked)
                status = upload.run()[:12]
                assert status in (b"HTTP/1.1 413", b"HTTP/1.1 403", b"HTTP/1.1 404", b"HTTP/1.1 302", b"")
                assert upload.sent < 40 * MB

        assert stored() == 0
        assert web.most_memory() - before < 30 * MB
        assert web.is_ready()

    def test_a_stranger_who_lost_the_session_is_sent_to_sign_in(self, web: Web, stored: Callable[[], int]) -> None:
        answer = Upload(web.port, IMPORT, 4 * MB, cookies()).run()

        assert answer.startswith(b"HTTP/1.1 302 ")
        assert b"Location: /login/?next=" in answer
        assert stored() == 0

    def test_a_member_is_heard_out_and_told_why(self, web: Web, stored: Callable[[], int], dora: Client) -> None:
        answer = Upload(web.port, IMPORT, 24 * MB, cookies(dora)).run()

        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"The file is larger than 10 MB. Import it in parts." in answer
        assert stored() == 0

    def test_a_members_file_that_is_small_enough_is_never_on_the_disk(
        self, web: Web, stored: Callable[[], int], dora: Client
    ) -> None:
        answer = Upload(web.port, IMPORT, 4 * MB, f"{cookies(dora)}X-CSRFToken: {'a' * 32}\r\n").run()

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert stored() == 0


class TestTheEmbeddedServer:
    def test_what_nobody_reads_is_heard_and_not_kept(self) -> None:
        """Django's own server would take the rest of a body into the memory at once."""
        server = embedded.bind(0)
        server.set_app(self.answers_at_once)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        tracemalloc.start()
        try:
            answer = Upload(server.server_port, "/login/", 100 * MB, "Connection: close\r\n").run()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            server.shutdown()
            thread.join()
            server.server_close()

        assert answer.endswith(b"no")
        assert peak < 10 * MB

    @staticmethod
    def answers_at_once(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("413 Too large", [("Content-Length", "2")])
        return [b"no"]


class TestWhatIsTold:
    def test_too_large_a_file_with_a_sentence_and_the_way_back(self, dora: Client) -> None:
        response = dora.post(IMPORT, {"file": SimpleUploadedFile("list.csv", b"x" * (MAX_BYTES + 2 * MB))})

        assert response.status_code == 413
        html = response.content.decode()
        assert "The file is larger than 10 MB. Import it in parts." in html
        assert f'href="{IMPORT}"' in html
        assert not ImportDraft.objects.exists()

    def test_a_little_too_large_a_file_beside_its_field(self, dora: Client) -> None:
        response = dora.post(IMPORT, {"file": SimpleUploadedFile("list.csv", b"x" * (MAX_BYTES + 1)), "delimiter": "-"})

        assert response.status_code == 200
        assert 'id="id_file_error">The file is larger than 10 MB.' in response.content.decode()

    def test_too_much_for_any_other_page(self, dora: Client, client: Client) -> None:
        for who, path, size in ((dora, MEMBERS, 3 * MB), (client, "/login/", 100_000)):
            response = who.post(path, {"username": "x" * size})
            assert response.status_code == 413
            assert "more than this page takes" in response.content.decode()

    @pytest.mark.parametrize(("length", "status"), [("", 200), ("many", 200), ("-1", 400), ("+30_000_000", 413)])
    def test_whatever_the_length_reads_like(self, client: Client, length: str, status: int) -> None:
        response = client.post("/login/", {"username": "x"}, CONTENT_LENGTH=length)

        assert response.status_code == status

    def test_before_the_token_against_forgery_is_looked_for(self) -> None:
        """That reads the whole body, which is then stored."""
        client = Client(enforce_csrf_checks=True)

        with mock.patch("django.http.multipartparser.MultiPartParser.parse", side_effect=AssertionError):
            response = client.post("/login/", {"file": SimpleUploadedFile("list.csv", b"x" * 100_000)})

        assert response.status_code == 413


def test_of_a_short_body_nothing_is_looked_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each click and each poll has one."""
    monkeypatch.setattr("config.middleware._view_of", lambda request: pytest.fail("Its view was looked for."))

    assert client.post("/login/", {"username": "dora", "password": "wrong"}).status_code == 200


def test_only_members_may_send_files_and_only_to_a_page_that_takes_them(
    dora: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "PATIENCE_S", 0)
    seen: list[int] = []

    def spy(self: Any, request: Any, view: Any, words: Any, named: Any) -> None:
        seen.append(len(request.FILES))

    monkeypatch.setattr("django.middleware.csrf.CsrfViewMiddleware.process_view", spy)
    for who, path in ((dora, IMPORT), (client, IMPORT), (dora, MEMBERS), (client, "/login/")):
        who.post(path, {"file": SimpleUploadedFile("list.csv", b"code,description\n01,x\n"), "delimiter": "-"})

    assert seen == [1, 0, 0, 0]
