"""Plain makers of test data. People: alice (approver), bob (read-only), charlie (another company), dora (admin)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from companies.models import Company, Level, Member
from erp_integrations.base import AccountKind
from erp_integrations.models import Connection, GLAccount
from exports.models import Cause, CodeExport
from wbs.codes import code_key, fold, order_key
from wbs.models import Hold, Project, Segment, SegmentItem, Status

PASSWORD = "correct horse battery"


def make_company(name: str = "Sample Builders", slug: str = "sample-builders", **values: Any) -> Company:
    company, _ = Company.objects.get_or_create(slug=slug, defaults={"name": name, **values})
    return company


def make_user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    return user or User.objects.create_user(username, f"{username}@example.test", PASSWORD)


def make_member(
    username: str,
    company: Company | None = None,
    admin: Level = Level.NONE,
    erp: Level = Level.NONE,
    approver: bool = False,
) -> Member:
    return Member.objects.create(
        company=company or make_company(),
        user=make_user(username),
        admin_level=admin,
        erp_level=erp,
        can_push_to_accounting=approver,
    )


def make_alice(company: Company | None = None) -> Member:
    return make_member("alice", company, Level.READ_ONLY, Level.STANDARD, approver=True)


def make_bob(company: Company | None = None) -> Member:
    return make_member("bob", company, Level.READ_ONLY, Level.READ_ONLY)


def make_charlie() -> Member:
    other = make_company("Other Builders", "other-builders")
    return make_member("charlie", other, Level.ADMIN, Level.ADMIN, approver=True)


def make_dora(company: Company | None = None) -> Member:
    return make_member("dora", company, Level.ADMIN, Level.ADMIN, approver=True)


def make_connection(company: Company | None = None, **values: Any) -> Connection:
    values = {"erp": "practice", "name": "Practice ERP", "slug": "practice-erp", **values}
    return Connection.objects.create(company=company or make_company(), **values)


def make_account(connection: Connection, number: str = "4000", kind: AccountKind = AccountKind.INCOME, **values: Any):
    values = {"remote_id": number, "name": f"Account {number}", **values}
    return GLAccount.objects.create(connection=connection, number=number, kind=kind, **values)


def make_segment(company: Company | None = None, **values: Any) -> Segment:
    segment, _ = Segment.objects.get_or_create(company=company or make_company(), name="Cost Code", defaults=values)
    return segment


def make_cost_code(code: str = "03-100", description: str = "", segment: Segment | None = None) -> SegmentItem:
    """The code with its divisions above it, as needed."""
    segment = segment or make_segment()
    tiers = tuple(code.split(segment.delimiter)) if segment.delimiter else (code,)
    codes = [segment.delimiter.join(tiers[: depth + 1]) for depth in range(len(tiers))]
    found = {item.full_code_key: item for item in segment.items.filter(full_code_key__in=map(code_key, codes))}
    item: SegmentItem | None = None
    for depth, full in enumerate(codes, start=1):
        text = (description or f"Description {full}") if depth == len(tiers) else f"Division {full}"
        item = found.get(code_key(full)) or SegmentItem.objects.create(
            company_id=segment.company_id,
            segment=segment,
            parent=item,
            code=tiers[depth - 1],
            full_code=full,
            full_code_key=code_key(full),
            description=text,
            description_key=fold(text),
            sort_key=order_key(tiers[:depth]),
            tier=depth,
        )
    assert item is not None
    return item


def make_hold(item: SegmentItem, lock: Hold.Lock = Hold.Lock.ALL, status: Status = Status.READY, **values: Any) -> Hold:
    """What a connection's export means for the item, as `exports` writes it."""
    values = {"item_version": item.version, **values}
    connection = values.pop("connection", None) or item.company.connections.first() or make_connection(item.company)
    return Hold.objects.create(
        company=item.company, item=item, connection=connection, lock=lock, status=status, **values
    )


def make_export(code: str = "03-100", connection: Connection | None = None, **values: Any) -> CodeExport:
    """A row of the queue, READY unless told otherwise."""
    connection = connection or make_connection()
    item = make_cost_code(code, segment=make_segment(connection.company))
    values = {
        "reference": f"{connection.pk}-{item.pk}",
        "code": item.full_code,
        "code_key": item.full_code_key,
        "description": item.description,
        "description_key": item.description_key,
        "sort_key": item.sort_key,
        "item_version": item.version,
        "cause": Cause.REJECTED if values.get("status") == Status.REJECTED else "",
        **values,
    }
    return CodeExport.objects.create(company=connection.company, connection=connection, item=item, **values)


def make_project(number: str = "P-100", company: Company | None = None, **values: Any) -> Project:
    values = {"name": "Riverside Tower", "connection": None, **values}
    return Project.add(company or make_company(), number, values["name"], values["connection"], None)
