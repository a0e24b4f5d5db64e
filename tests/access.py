"""Asking every address as every person: what the matrix of `test_access.py` is worked out with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver

from companies.audit import record
from companies.models import Company, Level, Member
from erp_integrations.models import Question
from exports.models import Batch, Status
from tests.factories import (
    make_account,
    make_alice,
    make_bob,
    make_charlie,
    make_company,
    make_connection,
    make_cost_code,
    make_dora,
    make_export,
    make_member,
    make_project,
)
from wbs import import_drafts
from wbs.lists.choices import Choices
from wbs.lists.reading import read_grid
from wbs.models import ImportDraft, Segment
from wbs.models.drafts import packed

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class Right(Enum):
    PUBLIC = auto()
    SIGNED_IN = auto()
    SEE_WBS = auto()
    EDIT_WBS = auto()  # and the members
    SEE_ERP = auto()
    REVIEW = auto()
    CONFIGURE_ERP = auto()
    MACHINE = auto()  # no person's: what is no call in its protocol is a bad request, whoever sends it


# Written out, not derived from the levels: PRODUCT section 1 in our own words.
MAY: dict[str, set[Right]] = {
    "alice": {Right.SEE_WBS, Right.SEE_ERP, Right.REVIEW},  # Read Only; Standard, may push to accounting
    "bob": {Right.SEE_WBS, Right.SEE_ERP},  # Read Only on both
    "dora": {Right.SEE_WBS, Right.EDIT_WBS, Right.SEE_ERP, Right.REVIEW, Right.CONFIGURE_ERP},  # everything
    "eve": set(),  # a member with no level at all
    "frank": {Right.SEE_WBS, Right.SEE_ERP},  # Standard on both, without the flag
    "grace": {Right.SEE_ERP},  # Read Only on the ERP tool alone, with the flag
    "henry": {Right.SEE_WBS, Right.EDIT_WBS, Right.SEE_ERP, Right.CONFIGURE_ERP},  # Admin on both, without the flag
    "ivan": {Right.SEE_WBS, Right.EDIT_WBS},  # Admin on the Admin tool alone
}
STRANGERS = ("nobody", "gone")  # not signed in; signed in, then made inactive
PEOPLE = (*STRANGERS, "charlie", *MAY)


@dataclass(frozen=True)
class Case:
    """What one address needs."""

    get: Right | None = None
    post: Right | None = None
    body: Callable[[World], dict[str, Any]] = lambda world: {}
    sends_ids: bool = False  # its body names rows or accounts of the World
    pk: str = ""  # what of the World the parameter `pk` stands for
    connection: str = "connection"  # likewise, the parameter `slug`

    def right(self, method: str) -> Right | None:
        return {"GET": self.get, "POST": self.post}.get(method)


@dataclass(frozen=True)
class Address:
    name: str
    route: str  # "/companies/<slug:company>/admin/members/"
    parameters: dict[str, Any]  # name -> converter

    @property
    def ids(self) -> set[str]:
        """The parameters that name something of one company."""
        return self.parameters.keys() - {"company", "erp", "segment", "connection_id"}

    def url(self, case: Case, world: World, **others: Any) -> str:
        values = {name: world.value(case, name) for name in self.parameters} | others
        return PARAMETER.sub(lambda found: self.parameters[found[1]].to_url(values[found[1]]), self.route)


def addresses(patterns: list[Any], route: str = "/", space: str = "", given: Any = None) -> Iterator[Address]:
    """Every address below these patterns, whether it has a name or not."""
    for pattern in patterns:
        parameters = {**(given or {}), **pattern.pattern.converters}
        below = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern.url_patterns, below, inner, parameters)
        elif isinstance(pattern, URLPattern):
            yield Address(f"{space}{pattern.name}" if pattern.name else below, below, parameters)


class World:
    """A company with one of everything, and the values that addresses may ask for."""

    def __init__(self, company: Company, prefix: str) -> None:
        self.company = company
        self.connection = make_connection(company, slug=f"{prefix}-erp")
        self.pulled = make_connection(company, erp="quickbooks-desktop", name="QuickBooks", slug=f"{prefix}-quickbooks")
        self.account, self.other_account = (make_account(self.connection, number) for number in ("4000", "4100"))
        self.export = make_export("03-100", self.connection, income_account=self.account)
        self.failed = make_export("03-200", self.connection, income_account=self.account, status=Status.FAILED)
        held = {"code": "03-300", "description": "Old", "income_account": "4000", "expense_account": None}
        synced = {"status": Status.SUCCESS, "remote_id": "R1", "receipt": held}
        self.synced = make_export("03-300", self.connection, income_account=self.account, **synced)
        self.item = make_cost_code("05-100", segment=self.export.item.segment)  # not sent
        self.member = make_member(f"{prefix}-member", company)
        self.rejection = Batch.objects.create(company=company, connection=self.connection, kind=Batch.Kind.REJECT)
        segment, *_ = Segment.all_of(company)
        grid = packed(read_grid(b"code,description\n01,x\n").as_data())
        self.draft = ImportDraft.objects.create(member=self.member, segment=segment, name="list.csv", grid=grid)
        self.draft.ask(Choices("-"))
        import_drafts.work(self.draft)
        self.project = make_project(f"{prefix}-project", company, connection=self.connection)
        self.project.add_codes(self.export.item.segment.items.filter(pk=self.export.item_id), None)
        record(company, None, "connection.broken", self.connection)  # nobody did it
        asked = {"asker": self.member.user, "kind": Question.Kind.CHECK, "erp": "practice"}
        self.question = Question.objects.create(company=company, connection=self.connection, **asked)
        self.values: dict[str, Any] = {
            "company": company.slug,
            "segment": "cost-codes",
            "connection": self.connection.slug,
            "pulled": self.pulled.slug,
            "connection_id": self.pulled.guid,
            "erp": "practice",
            "member_id": self.member.pk,
            "item_id": self.item.pk,
            "draft_id": self.draft.pk,
            "guid": self.question.guid,
            "project_id": self.project.pk,
            "own_id": self.project.own_codes.create(code="X-1", code_key="x-1", description="Crane").pk,
            "export": self.export.pk,
            "synced": self.synced.pk,
            "item": self.item.pk,
            "rejection": self.rejection.pk,
        }

    def value(self, case: Case, parameter: str) -> Any:
        return self.values[{"pk": case.pk, "slug": case.connection}.get(parameter, parameter)]


def make_browser(person: str) -> Client:
    """Signed in as one of PEOPLE, as far as they can."""
    browser = Client()
    if person == "nobody":
        return browser
    member = MAKERS[person]()
    browser.force_login(member.user)
    if person == "gone":
        User.objects.filter(pk=member.user_id).update(is_active=False)
    return browser


MAKERS: dict[str, Callable[[], Member]] = {
    "alice": make_alice,
    "bob": make_bob,
    "charlie": make_charlie,
    "dora": make_dora,
    "eve": lambda: make_member("eve"),
    "frank": lambda: make_member("frank", admin=Level.STANDARD, erp=Level.STANDARD),
    "grace": lambda: make_member("grace", erp=Level.READ_ONLY, approver=True),
    "henry": lambda: make_member("henry", admin=Level.ADMIN, erp=Level.ADMIN),
    "ivan": lambda: make_member("ivan", admin=Level.ADMIN),
    "gone": lambda: make_member("gone", admin=Level.ADMIN, erp=Level.ADMIN, approver=True),
}


def make_worlds() -> tuple[World, World]:
    """Ours, and the one that must not be touched from ours."""
    return World(make_company(), "our"), World(make_company("Other Builders", "other-builders"), "their")


def expected(right: Right | None, person: str) -> str:
    if right is None:
        return "405"
    if right is Right.PUBLIC:
        return "let in"
    if right is Right.MACHINE:
        return "400"
    if person in STRANGERS:
        return "sign in first"
    if right is Right.SIGNED_IN:
        return "let in"
    if person == "charlie":
        return "404"
    return "let in" if right in MAY[person] else "403"


def told(response: Any) -> str:
    if response.status_code == 302 and response["Location"].startswith("/login/?next="):
        return "sign in first"
    return "let in" if response.status_code in (200, 302) else str(response.status_code)


@contextmanager
def undone() -> Iterator[None]:
    """As if it had not happened, for the next person."""
    savepoint = transaction.savepoint()
    yield
    transaction.savepoint_rollback(savepoint)


def all_rows(without: str = "") -> dict[str, set[str]]:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if table != without]
        return {table: set(_rows(cursor, table)) for table in tables}


def _rows(cursor: Any, table: str) -> list[str]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
    return [repr(row) for row in cursor.fetchall()]
