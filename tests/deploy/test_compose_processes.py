"""Every command of docker-compose.yml runs, on the real PostgreSQL and Redis of the test run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from tests.deploy.conftest import Container, Image
from tests.patience import PATIENCE_S
from tests.person import Person, fields_of
from tests.servers.server import wait_until
from tests.servers.tryton import TrytonServer

pytestmark = [pytest.mark.pg_only, pytest.mark.processes, pytest.mark.slow]


class Proxy(httpx2.HTTPTransport):
    """The proxy in front of web: speaks TLS to people and says so to the process behind it."""

    def __init__(self, port: str) -> None:
        super().__init__()
        self.port = int(port)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        behind = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        headers = [*request.headers.raw, (b"X-Forwarded-Proto", b"https")]
        return super().handle_request(httpx2.Request(request.method, behind, headers=headers, stream=request.stream))


@pytest.fixture
def visitor(containers: dict[str, Container], image: Image) -> Iterator[httpx2.Client]:
    transport = Proxy(image.environment["PORT"])
    with httpx2.Client(base_url=image.environment["SITE_URL"], transport=transport, timeout=PATIENCE_S) as client:
        yield client


def test_the_lock_alone_is_what_runs(image: Image) -> None:
    assert "pytest" not in image.shell("python -m pip list")
    for program in ("celery", "gunicorn", "python"):
        assert image.shell(f"command -v {program}").strip() == str(image.python.parent / program)


def test_everything_comes_up_healthy(containers: dict[str, Container], visitor: httpx2.Client) -> None:
    assert visitor.get("/healthz").text == "ok"
    assert visitor.get("/readyz").text == "database ok, broker ok"
    assert all(container.check_health() for container in containers.values())


def test_people_get_the_pages_with_their_stylesheet(visitor: httpx2.Client) -> None:
    page = visitor.get("/login/")

    sheet = re.search(r'href="(/static/css/app\.[0-9a-f]+\.css)"', page.text)
    assert page.status_code == 200
    assert sheet
    assert visitor.get(sheet.group(1)).headers["Cache-Control"].endswith("immutable")
    assert page.headers["Strict-Transport-Security"]
    assert "'unsafe" not in page.headers["Content-Security-Policy"]


def test_plain_http_is_sent_to_https(image: Image, containers: dict[str, Container]) -> None:
    address = f"127.0.0.1:{image.environment['PORT']}/login/"

    answer = httpx2.get(f"http://{address}")

    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{address}")


def test_a_host_that_is_not_ours_is_refused(image: Image, containers: dict[str, Container]) -> None:
    address = f"http://127.0.0.1:{image.environment['PORT']}/login/"

    assert httpx2.get(address, headers={"Host": "elsewhere.example"}).status_code == 400


def test_the_worker_does_what_beat_asks_for(containers: dict[str, Container]) -> None:
    log = containers["worker"].log

    wait_until(lambda: re.search(r"exports\.tasks\.sweep\[.*succeeded", log.read_text()) is not None, "a sweep")


def test_the_main_job_is_done_through_them(image: Image, containers: dict[str, Container]) -> None:
    told = image.shell("python manage.py make_company 'Sample Builders' --admin dora")
    password = re.findall(r"shown this once: (\S+)", told)[0]
    transport = Proxy(image.environment["PORT"])
    with (
        TrytonServer() as tryton,
        closing(Person(image.environment["SITE_URL"], "dora", password, transport=transport)) as dora,
    ):
        options = {f"options-{name}": value for name, value in {**tryton.options, **tryton.credentials}.items()}
        dora.post(f"{dora.company}/erp-integrations/new/tryton/", {"name": "Books", **options})
        wait_until(lambda: "books/gl-accounts/" in dora.get(f"{dora.company}/erp-integrations/"), "The connection")
        wait_until(lambda: "Never" not in dora.get(f"{dora.company}/erp-integrations/books/gl-accounts/"), "Accounts")
        dora.import_list(b"code,description\n01-100,Permits\n01-200,Survey & layout\n03-100,Footings\n")
        codes = dora.get(f"{dora.company}/admin/work-breakdown-structure/cost-codes/")
        dora.send_all(fields_of(codes, "connection")["connection"])
        review = dora.review("books")
        page = dora.get(f"{dora.company}/erp-integrations/books/settings/")
        income, expense = (re.findall(rf'value="(\d+)"[^>]*>{number} ', page)[0] for number in ("4000", "5000"))
        review.set_accounts(income, expense)
        review.click("export")
        counts = review.wait_until_finished()

        assert counts["Synced"] == 3, counts
        assert tryton.items() == {
            "01-100": ("Permits", "4000", "5000"),
            "01-200": ("Survey & layout", "4000", "5000"),
            "03-100": ("Footings", "4000", "5000"),
        }
