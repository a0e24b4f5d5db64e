"""What people are answered when the database is lost, held up or full: 503, in words, and when to come back.

Django calls this as its handler500: whatever raised, a view, a template or a middleware, comes by here. Transactions
are rolled back by then; what an earlier one of the same view stored stays, so no sentence says that nothing was done.
The answer needs neither database nor session.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from exports.web_connector import soap

AGAIN_S = 5


@dataclass(frozen=True)
class Trouble:
    title: str
    sentence: str


HELD_UP = Trouble(
    "Someone else is changing the same",
    "Someone else is changing the same codes or settings at this moment, so this was not finished. Look at the page "
    "before you try again.",
)
STORING = Trouble(
    "Tieback is busy",
    "Tieback is busy storing something else, so this was not finished. Look at the page before you try again.",
)
TOO_LONG = Trouble(
    "This took too long",
    "The database needed too long for this, so it was given up. Try again in a moment, or with fewer codes at once.",
)
FULL = Trouble(
    "The database is full",
    "The database has no room left, so this was not finished. Tell whoever runs Tieback.",
)
LOST = Trouble(
    "The database cannot be reached",
    "The database cannot be reached just now. Try again in a moment; what was stored all the same is shown then.",
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
BY_SQLSTATE = {
    "55P03": HELD_UP,  # lock_timeout
    "40P01": HELD_UP,  # deadlock
    "40001": HELD_UP,  # serialization failure
    "57014": TOO_LONG,  # statement_timeout
    "25P04": TOO_LONG,  # transaction_timeout, which an operator may set
    "53100": FULL,  # disk full
    "53400": FULL,  # temp_file_limit
    "25P03": LOST,  # our transaction idled, so it was ended together with the connection
    "25006": LOST,  # a standby answers, as while another server takes over
}
# https://www.sqlite.org/rescode.html; it locks the whole database, whatever the other one writes
BY_SQLITE_CODE = {5: STORING, 6: STORING, 13: FULL, 8: LOST, 10: LOST, 14: LOST}


def answer_error(request: HttpRequest) -> HttpResponse:
    trouble = trouble_of(sys.exc_info()[1])
    if trouble is None:
        return server_error(request)
    if request.content_type in ("text/xml", "application/soap+xml"):  # the Web Connector calls again when it is due
        answer = HttpResponse(soap.fault(trouble.sentence, of="Server"), content_type=soap.CONTENT_TYPE, status=503)
    elif "HX-Request" in request.headers:
        answer = HttpResponse(trouble.sentence, content_type="text/plain; charset=utf-8", status=503)
    else:
        # Only what was asked by GET may be asked again without a person.
        context = {"title": trouble.title, "sentence": trouble.sentence, "again_s": AGAIN_S * (request.method == "GET")}
        answer = HttpResponse(render_to_string("503.html", context), status=503)
    answer.headers["Retry-After"] = str(AGAIN_S)
    return answer


def trouble_of(error: BaseException | None) -> Trouble | None:
    """None when it is no trouble of the database's, but a fault in ours."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    told = error.__cause__
    if (code := getattr(told, "sqlite_errorcode", None)) is not None:
        return BY_SQLITE_CODE.get(code & 0xFF)  # the rest of the number is detail
    known = BY_SQLSTATE.get(getattr(told, "sqlstate", None) or "")
    return known or (LOST if isinstance(error, OperationalError | InterfaceError) else None)
