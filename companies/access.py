"""The one permission decorator: every view below a company is wrapped by it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, QuerySet, SlugField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import escape_uri_path
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from companies import stale_page
from companies.models import Level, Member, Tool
from core.statements import Given, Rows

logger = logging.getLogger(__name__)


class MemberRequest(HttpRequest):
    """A request whose sender is a member of the company in its address."""

    member: Member
    user: User
    htmx: HtmxDetails


View = Callable[..., HttpResponseBase]


def member_required(tool: Tool, level: Level, *, approver: bool = False) -> Callable[[View], View]:
    """Let only members through who have at least `level` on `tool` (and may push to accounting, if `approver`).

    Not signed in: to the sign-in page. Not a member: 404, the company does not exist for them. Too low: 403.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, company: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            if stale_page.is_of_another_person(request):
                return stale_page.another_person(request)
            try:
                request.member = _find_member(request.user, company)
                if request.member.level_on(tool) < level or (approver and not request.member.can_review):
                    raise PermissionDenied(f"Needs {level.label} on {tool.label}{' and the flag' * approver}.")
                response = view(request, **kwargs)
            except (PermissionDenied, NotMember) as reason:
                path = escape_uri_path(request.path)
                logger.warning("Denied: %s %s to %s in %s. %s", request.method, path, request.user, company, reason)
                raise
            add_never_cache_headers(response)  # after signing out, the back button shows nothing of it
            return response

        return guarded

    return decorate


# What a page asks for is said by one of these, by the tool in whose rights it stands.
admin_reader = member_required(Tool.ADMIN, Level.READ_ONLY)
admin = member_required(Tool.ADMIN, Level.ADMIN)
erp_reader = member_required(Tool.ERP, Level.READ_ONLY)
approver = member_required(Tool.ERP, Level.STANDARD, approver=True)
erp_admin = member_required(Tool.ERP, Level.ADMIN)


class NotMember(Http404):
    """A company that does not exist, or not for this person: both look alike."""


@Rows
def _members() -> QuerySet[Member]:
    found = Member.objects.filter(company__slug=Given("company", SlugField()), user=Given("user", BigIntegerField()))
    return found.select_related("company")


def _find_member(user: User, company: str) -> Member:
    member = _members.first(company=company, user=user.pk)
    if member is None:
        raise NotMember("There is no such company.")
    member.user = user
    return member


def sign_in_first(request: HttpRequest, *, is_too_long: bool = False) -> HttpResponse:
    """To the sign-in page; for htmx the whole page goes there, not a fragment. What was typed into a form is kept,
    unless it is too long.
    """
    if stale_page.is_from_a_page_of_ours(request) and "HX-Request" not in request.headers:
        return stale_page.signed_out(request, is_too_long=is_too_long)
    redirect = redirect_to_login(_page_of(request))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": redirect.url})
    return redirect


def _page_of(request: HttpRequest) -> str:
    """Where the person will go on after signing in: the page that they were on, since an action is no page."""
    is_htmx = "HX-Request" in request.headers
    if request.method in ("GET", "HEAD") and not is_htmx:
        return request.get_full_path()
    came_from = request.headers.get("HX-Current-URL" if is_htmx else "Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return "/"
    return urlsplit(came_from)._replace(scheme="", netloc="").geturl()
