"""What is sent from a page that was loaded before someone signed in or out, in another tab most often.

The same person's goes through, since static/js/person.js sends the token of now. The rest is told, and offered again
with what was typed, so that nobody does anything under another name without seeing it.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

PERSON = "page_person"  # in a form, who the page was made for; htmx tells it in a header
SECRETS = ("password", "secret", "key", "token")  # a name with this in it: its value is written to no page


def is_of_another_person(request: Any) -> bool:
    """Whether the sender says that the page was made for someone else than who is signed in now."""
    made_for = request.headers.get("Page-Person") or request.POST.get(PERSON)
    return bool(made_for) and made_for != str(request.user.pk)


def another_person(request: Any) -> HttpResponse:
    return offer_again(request, f"You are signed in as {_name(request.user)} now; this page was made for someone else.")


def csrf_failed(request: Any, reason: str = "") -> HttpResponse:
    """Django's check of the token failed; its reasons are sentences of its own."""
    if not reason.startswith("CSRF token"):
        return render(request, "403_csrf.html", status=403)
    if request.user.is_authenticated:
        return offer_again(
            request, f"Someone signed in since this page was loaded. You are signed in as {_name(request.user)} now."
        )
    return offer_again(request, "You are signed out, or someone signed in and out again since this page was loaded.")


def signed_out(request: Any, *, is_too_long: bool = False) -> HttpResponse:
    return offer_again(request, "You are signed out.", status=401, is_too_long=is_too_long)


def offer_again(request: Any, sentence: str, status: int = 403, *, is_too_long: bool = False) -> HttpResponse:
    """To htmx the sentence alone. To a form of our own: what was typed, to be sent again by a click.

    Of a body that was too long to be read nothing is there to be offered.
    """
    if request.headers.get("HX-Request"):
        words = f"{sentence} Load the page anew."
        return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    keep = PERSON if status == 401 else ""  # whoever signs in next is told if the page was another's
    fields = [(name, value) for name, values in request.POST.lists() for value in values if _is_kept(name, keep)]
    context = {
        "sentence": sentence,
        "fields": fields if is_from_a_page_of_ours(request) else None,
        "is_too_long": is_too_long,
        "is_part_left_out": request.content_type == "multipart/form-data"  # a form with a file; a stranger's is dropped
        or any(_is_secret(name) and request.POST[name] for name in request.POST),
    }
    return render(request, "companies/stale_page.html", context, status=status)


def is_from_a_page_of_ours(request: HttpRequest) -> bool:
    """Another site could have a click send its words: browsers tell where a form stood, and Django compared that."""
    return request.method == "POST" and "Origin" in request.headers


def _is_kept(name: str, keep: str) -> bool:
    return not _is_secret(name) and name != "csrfmiddlewaretoken" and (name != PERSON or name == keep)


def _is_secret(name: str) -> bool:
    return name != "csrfmiddlewaretoken" and any(word in name.casefold() for word in SECRETS)


def _name(user: User | AnonymousUser) -> str:
    return (user.get_full_name() if isinstance(user, User) else "") or user.get_username()
