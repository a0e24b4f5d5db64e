"""Signing in, the companies of a person, and the members of a company."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.access import MemberRequest, admin
from companies.forms import MemberForm, NewMemberForm, SignInForm
from companies.members import LastAdmin, MemberChanged, add_member, change_rights, remove_member, set_four_eyes
from companies.models import Level, Member
from companies.sign_in import Device

LAST_ADMIN = "{} is the last Admin of the Admin tool here. Make someone else Admin first."
CHANGED = "Someone else changed the rights of {} since you opened this page. They are shown as they are now."


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and request.method != "POST":  # else whoever signs in would go on as someone else
        return redirect(_next(request))
    form = SignInForm(request, request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        login(request, form.get_user())
        response = redirect(_next(request))
        Device.of(request).remember(form.cleaned_data["username"], response)
        return response
    status = 429 if form.has_error("__all__", "throttled") else 200
    return render(request, "companies/sign_in.html", {"form": form, "next": _next(request)}, status=status)


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: a page of ours, and not the sign-in page again."""
    url = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if is_ours and not url.startswith(request.path) else "/"


@require_GET
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The companies of this person; straight on when there is one."""
    memberships = Member.objects.filter(user=request.user.pk).select_related("company")
    companies = [(member.company, first_page(member)) for member in memberships.order_by("company__name", "pk")]
    if len(companies) == 1 and companies[0][1]:
        return redirect(companies[0][1])
    return render(request, "companies/companies.html", {"companies": companies})


def first_page(member: Member) -> str:
    """Where this member's work begins; empty when they may see nothing yet."""
    slug = member.company.slug
    if member.can_see_wbs:
        return reverse("wbs:cost_codes", args=[slug])
    return reverse("erp_integrations:connections", args=[slug]) if member.can_see_erp else ""


@require_GET
@admin
def members(request: MemberRequest) -> HttpResponse:
    return _members_page(request)


@require_POST
@admin
def add(request: MemberRequest) -> HttpResponse:
    _refuse_flag_from_others(request)
    form = NewMemberForm(request.POST, actor=request.member)
    if form.is_valid() and not add_member(request.member.company, form.user, request.user, **form.rights):
        form.add_error("username", f"{form.user} is a member already.")
    if form.errors:
        return _members_page(request, new=form, status=422)
    return _done(request, f"{form.user} is a member now.")


@require_POST
@admin
def change(request: MemberRequest, member_id: int) -> HttpResponse:
    _refuse_flag_from_others(request)
    return _take(request, member_id, "The rights of {} are changed.", _change_rights)


@require_POST
@admin
def remove(request: MemberRequest, member_id: int) -> HttpResponse:
    return _take(request, member_id, "{} is no longer a member.", _remove)


@require_POST
@admin
def four_eyes(request: MemberRequest) -> HttpResponse:
    wanted = request.POST.get("four_eyes") == "on"
    set_four_eyes(request.member.company, request.user, wanted)
    told = "may no longer accept it" if wanted else "may accept it too"
    return _done(request, f"Saved. Whoever sent a code {told}.")


def _change_rights(form: MemberForm, actor: User) -> None:
    change_rights(form.member, actor, **form.rights)


def _remove(form: MemberForm, actor: User) -> None:
    remove_member(form.member, actor)


def _take(request: MemberRequest, member_id: int, done: str, step: Callable[[MemberForm, User], None]) -> HttpResponse:
    """Take the step with one row of the table, or show that row with the reason why not and what was chosen."""
    form = _row(request, member_id, request.POST)
    name = form.member.user.username
    if not form.is_valid():
        return _members_page(request, row=form, status=422)
    try:
        step(form, request.user)
    except LastAdmin:
        form.notice = LAST_ADMIN.format(name)
        return _members_page(request, row=form, status=422)
    except MemberChanged:
        fresh = _row(request, member_id)
        fresh.notice = CHANGED.format(name)
        return _members_page(request, row=fresh, status=409)
    return _done(request, done.format(name))


def _row(request: MemberRequest, member_id: int, data: QueryDict | None = None) -> MemberForm:
    members = request.member.company.members.select_related("company", "user")
    return MemberForm(get_object_or_404(members, pk=member_id), data, actor=request.member)


def _refuse_flag_from_others(request: MemberRequest) -> None:
    if "can_push_to_accounting" in request.POST and not request.member.can_push_to_accounting:
        raise PermissionDenied("Only someone who holds Can Push to Accounting may give it.")


def _done(request: MemberRequest, sentence: str) -> HttpResponse:
    """Back to the members, unless that was the sender's own last act as an Admin."""
    messages.success(request, sentence)
    still_admin = request.member.company.members.filter(user=request.user, admin_level=Level.ADMIN).exists()
    return redirect("companies:members", request.member.company.slug) if still_admin else redirect("/")


def _members_page(
    request: MemberRequest, row: MemberForm | None = None, new: NewMemberForm | None = None, status: int = 200
) -> HttpResponse:
    """All members, one form a row; `row` and `new` are shown in their places with what is wrong with them."""
    members = request.member.company.members.select_related("user").order_by("user__username")
    forms = [MemberForm(member, actor=request.member) for member in members]
    rows = [row if row and row.member.pk == form.member.pk else form for form in forms]
    context = {"rows": rows, "new": new or NewMemberForm(actor=request.member)}
    return render(request, "companies/members.html", context, status=status)
