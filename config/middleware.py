"""What holds for every page: a fixed Content-Security-Policy, and how long a body may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from companies.access import sign_in_first
from core.bodies import FORM_BYTES, STRANGER_BYTES, hear_out

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """Everything from ourselves, nothing inline. Django 6 has its own; this goes then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class BodyLimits:
    """The last of all, so that it knows who asks, and before whatever reads a body: what is too long is not read.

    The first to read one is the check of the CSRF token, before a view is called and also for pages of errors. A body
    without a length is not read by Django. Files of strangers, and those that a view does not take, are dropped by the
    handler of the settings (`core.bodies`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = _length_of(request)
        if length <= STRANGER_BYTES:  # whoever sends it, and to whatever view: neither is looked for
            return self.get_response(request)
        view, named = _view_of(request)
        if getattr(view, "reads_body_itself", False):
            return self.get_response(request)
        is_known = request.user.is_authenticated
        file_bytes = getattr(view, "file_bytes", 0) if is_known else 0
        if length <= file_bytes + (FORM_BYTES if is_known else STRANGER_BYTES):
            return self.get_response(request)
        hear_out(request, length)
        if not is_known and "company" in named:  # whose session ended over a form
            return sign_in_first(request, is_too_long=True)
        sentence = view.too_large if file_bytes else ""
        return render(request, "413.html", {"sentence": sentence}, status=413)


def _length_of(request: HttpRequest) -> int:
    """As Django reads it, which is how much it would read."""
    try:
        return int(request.META.get("CONTENT_LENGTH", ""))
    except ValueError:
        return 0


def _view_of(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    try:
        found = resolve(request.path_info)
    except Resolver404:
        return None, {}
    return found.func, found.kwargs
