"""A word in every text of another company's rows, and every request of ours that could bring it to light."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.db import models
from django.test import Client

from companies.models import AuditEvent, Company, Mail, Member
from erp_integrations.models import Connection
from exports.models import Attempt, Batch, CodeExport, Drift, Reading, RemoteItem
from exports.web_connector.models import Access, Message, Poll
from tests.access import World, undone
from tests.addresses import ADDRESSES, CASES, Body
from tests.factories import make_hold
from wbs.models import BudgetCode, DefaultAccounts, Hold, ImportDraft, Project, SegmentItem

THEIR_SEGMENT = "their-phase"
CANARY, PART = "kanarienvogel", "kanarien"  # a search for the part may be told again, the whole is a leak
OURS = ("companies", "erp_integrations", "wbs", "exports", "web_connector")
# What a row is found or understood by, and what is too short.
UNTOUCHED = {"slug", "erp", "action", "subject", "delimiter", "time_zone", "order", "options"}


def complete(world: World) -> None:
    """A row of what the World does not have yet, so that every model holds the word."""
    company, connection, export = world.company, world.connection, world.export
    make_hold(export.item, connection=connection)
    Attempt.objects.create(export=export, generation=1, request_key="k", lease_token=1, payload={"code": "x"})
    DefaultAccounts.objects.create(connection=connection, item=world.item, income_account=world.account)
    Reading.objects.create(connection=connection, problem="x")
    found = {"code": "05-100", "description": "x", "is_ours": False, "is_active": True}
    RemoteItem.objects.create(connection=connection, remote_id="X1", **found)
    BudgetCode.objects.create(company=company, order=["cost-codes"])
    Access.renew(world.pulled, world.member.user)
    Poll.objects.create(connection=world.pulled, ticket_hash=f"x{company.pk}", token=1)
    Message.objects.create(connection=world.pulled, kind="accounts", key="x", token=1, text="x")
    Mail.objects.create(company=company, recipient=world.member.user, subject="x", body="x")


def plant(theirs: World, ours: World) -> None:
    """Write the word into every text of theirs, and into events of theirs about what is ours."""
    ImportDraft.objects.filter(pk=theirs.draft.pk).update(report={"notes": ["x"]}, undo={"x": "x"})
    CodeExport.objects.filter(pk=theirs.synced.pk).update(erp_values={"code": "x"})
    CodeExport.objects.filter(pk=theirs.failed.pk).update(before_update={"code": "x"}, remote_id="R2")
    for model, lookup in models_of_a_company().items():
        if model is AuditEvent:  # append-only
            continue
        for row in model._default_manager.filter(**{lookup: theirs.company.pk}):
            values = {field.name: _planted(field, getattr(row, field.name), row.pk) for field in texts_of(model)}
            model._default_manager.filter(pk=row.pk).update(**values)
    person = theirs.member.user
    type(person).objects.filter(pk=person.pk).update(username=CANARY, first_name=CANARY, last_name=CANARY, email=CANARY)
    words = {"label": CANARY, "old": CANARY, "new": CANARY, "answer": CANARY, "company": theirs.company}
    for world in (theirs, ours):
        for subject, row in (("export", world.export), ("connection", world.connection), ("batch", world.rejection)):
            event = {"action": f"{subject}.changed", "subject": subject, "subject_id": row.pk}
            AuditEvent.objects.create(**words, **event, batch_id=world.rejection.pk)


def bait(ours: World, theirs: World) -> None:
    """Rows that would meet ours if nothing kept them apart: of one code, reference, id, or name in an address."""
    item = {"is_ours": False, "is_active": True, "description": CANARY}
    RemoteItem.objects.create(connection=theirs.connection, remote_id="X2", code=ours.export.code, **item)
    CodeExport.objects.filter(pk=theirs.synced.pk).update(drift=Drift.CHANGED, remote_id="L1")
    theirs.export.refresh_from_db()
    met = {"is_ours": False, "is_active": True, "description": "x"}
    RemoteItem.objects.create(
        connection=ours.connection, remote_id="L1", code=ours.failed.code, owner=theirs.export.reference, **met
    )
    RemoteItem.objects.create(connection=ours.connection, remote_id="L2", code="03-700", owner="lost-1", **met)
    SegmentItem.objects.filter(pk=theirs.item.pk).update(full_code_key="03-700")
    theirs.company.segments.create(name=CANARY, slug=THEIR_SEGMENT, is_tiered=False, delimiter="")


def models_of_a_company() -> dict[type[models.Model], str]:
    """Each model whose rows belong to a company, and the lookup that leads there."""
    found: dict[type[models.Model], str] = {Company: "pk"}
    for _ in range(3):
        for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
            for field in model._meta.fields:
                if model not in found and field.is_relation and not field.null and field.related_model in found:
                    above = found[field.related_model]
                    found[model] = field.name if above == "pk" else f"{field.name}__{above}"
    return found


def texts_of(model: type[models.Model]) -> list[Any]:
    kinds = (models.CharField, models.TextField, models.JSONField)
    return [
        field
        for field in model._meta.fields
        if isinstance(field, kinds) and not field.choices and field.name not in UNTOUCHED
    ]


def _planted(field: Any, value: Any, pk: int) -> Any:
    if isinstance(field, models.JSONField):
        return value if value is None else {CANARY: CANARY} | dict.fromkeys(value, CANARY)
    word = f"{CANARY}{pk}"
    assert field.max_length is None or len(word) <= field.max_length, f"{field} is too short; say so in UNTOUCHED"
    return word


@dataclass(frozen=True)
class Question:
    name: str  # of the address
    method: str
    url: str
    body: Any = None
    is_foreign: bool = False  # names what is theirs

    @property
    def reaches_out(self) -> bool:
        return self.is_foreign or "?" in self.url

    @property
    def kind(self) -> tuple[str, ...]:
        return self.method, self.url, repr(self.body if self.is_foreign else "")

    def ask(self, signed_in: Client, theirs: World) -> Answer:
        """As signed in just now: no answer to another question can have signed them out."""
        before = rows_of(theirs) if self.method == "POST" and self.is_foreign else None
        browser = Client()
        browser.cookies = deepcopy(signed_in.cookies)
        response: Any = browser.get(self.url) if self.method == "GET" else browser.post(self.url, self.body)
        content, headers = _words_in(response), str(response.headers)
        if response.status_code == 302:  # what is told there
            content += _words_in(browser.get(response["Location"]))
        has_leaked = CANARY in (content + headers).casefold() or bool(mails_that_leak(theirs))
        return Answer(response.status_code, has_leaked, before is not None and rows_of(theirs) != before)


@dataclass(frozen=True)
class Answer:
    status: int
    has_leaked: bool
    has_changed_theirs: bool


def _words_in(response: Any) -> str:
    content = response.getvalue()
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            content = b"".join(workbook.read(name) for name in workbook.namelist())
    return str(content, errors="replace")


def questions(ours: World, theirs: World) -> Iterator[Question]:
    """Every address as its own, with searches that fit what is theirs, and with ids of theirs in address and form."""
    for name, case in CASES.items():
        address = ADDRESSES[name]
        own = address.url(case, ours)
        foreign = [address.url(case, ours, **{each: theirs.value(case, each)}) for each in sorted(address.ids)]
        there = [address.url(case, theirs)] if "company" in address.parameters else []
        foreign += there
        if "segment" in address.parameters:
            foreign.append(address.url(case, ours, segment=THEIR_SEGMENT))
        if case.get:
            yield Question(name, "GET", own)
            yield from (Question(name, "GET", f"{own}?{urlencode(search)}") for search in searches(theirs))
            yield from (Question(name, "GET", url, is_foreign=True) for url in foreign)
        if case.post:
            yield Question(name, "POST", own, case.body(ours) | sought(theirs))
            yield Question(name, "POST", own, case.body(theirs) | sought(theirs), is_foreign=True)
            for key, value in case.body(theirs).items():  # one at a time: what is checked first would hide the rest
                yield Question(name, "POST", own, case.body(ours) | sought(theirs) | {key: value}, is_foreign=True)
            everything = case.body(ours) | sought(theirs) | {"q": PART, "all_matching": "1", "export": []}
            yield Question(name, "POST", own, everything, is_foreign=True)
            yield from (Question(name, "POST", url, case.body(ours), is_foreign=True) for url in foreign)


def searches(theirs: World) -> list[Body]:
    wide = {"filter": "all", "rows": 250, "fold": "none"}
    division = {"division": theirs.item.parent_id}
    return [
        wide,
        {**wide, "q": PART, "search": PART},
        {**wide, **division},
        {"select": "all", "parent": theirs.item.pk},
    ]


def sought(theirs: World) -> Body:
    """What the poll and the actions compare: rows that the page is said to show."""
    rows = (theirs.export, theirs.failed, theirs.synced)
    return {"seen": [f"{row.pk}:99:99" for row in rows], "mark": "x", "batch": [theirs.rejection.pk], "filter": "all"}


def rows_of(world: World) -> list[Any]:
    """What an action of ours could change there."""
    company = world.company.pk
    models = (CodeExport, SegmentItem, Project, Connection, Batch, Member, Hold)
    rows = [sorted(model.objects.filter(company=company).values_list(), key=repr) for model in models]
    return [*rows, CodeExport.objects.filter(item__company=company).count()]  # whoever's queue they are in


def mails_that_leak(theirs: World) -> list[str]:
    """To people who are not theirs."""
    words = Mail.objects.exclude(company=theirs.company).values_list("subject", "body")
    return [" ".join(each) for each in words if CANARY in " ".join(each).casefold()]


def ask_undone(question: Question, signed_in: Client, theirs: World) -> Answer:
    with undone():
        return question.ask(signed_in, theirs)
