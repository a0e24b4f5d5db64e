"""How long the body of a request may be, and who may send files. `config.middleware` holds it before anything is read.

A view without a word here takes forms. One that takes files or reads its body itself says so with a decorator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.files.uploadhandler import MemoryFileUploadHandler, SkipFile
from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., object])

FORM_BYTES = 2 * 2**20  # what people type and tick
STRANGER_BYTES = 64 * 1024  # of whom we know nothing: as much as it takes to sign in
HEARD_BYTES = 16 * 2**20  # of a body that is refused


def takes_files(limit_bytes: int, too_large: str) -> Callable[[View], View]:
    """Files of all together so many bytes, from who is signed in. `too_large` is a sentence for the others."""

    def mark(view: View) -> View:
        view.__dict__.update(file_bytes=limit_bytes, too_large=too_large)
        return view

    return mark


def reads_body_itself(view: View) -> View:
    """From anybody, by a limit of its own."""
    view.__dict__["reads_body_itself"] = True
    return view


class FilesWhereTaken(MemoryFileUploadHandler):
    """Files of who is signed in, for a view that takes them; others are dropped.

    Never on the disk: the body that they come in was found to be short enough.
    """

    def handle_raw_input(self, *words: object, **named: object) -> None:
        self.activated = True

    def new_file(self, *words: Any, **named: Any) -> None:
        request: Any = self.request
        found = request.resolver_match  # None: there is no such page
        if not (found and getattr(found.func, "file_bytes", 0) and request.user.is_authenticated):
            raise SkipFile
        super().new_file(*words, **named)


def hear_out(request: HttpRequest, length: int) -> None:
    """Read and forget the body, unless it is longer than a mistake.

    A browser looks at the answer only when it was heard out; and gunicorn waits up to two seconds, in the thread that
    accepts all connections, for a caller whom it answered in mid-sentence.
    """
    if length <= HEARD_BYTES:
        while request.read(1 << 16):
            pass
