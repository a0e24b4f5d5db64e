"""The demo: Sample Builders with their cost codes, partly in review for the Practice ERP.

Everything goes through what people's clicks go through. Each step is done at most once in the life of a database, as
its audit trail tells: what people deleted or changed since stays so, and a start that was killed half-way is finished.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.db import transaction

from companies.audit import record
from companies.members import add_member
from companies.models import Company, Level, Member
from erp_integrations.models import Connection
from exports.services import Selection, assign_accounts, send_codes
from wbs.import_drafts import answer
from wbs.lists.choices import Choices
from wbs.lists.reading import read_grid
from wbs.models import Project, Segment, SegmentItem

SLUG = "sample-builders"
CODES = settings.BASE_DIR / "wbs" / "sample" / "cost-codes.csv"


class Person(NamedTuple):
    username: str
    admin_level: Level
    erp_level: Level
    can_push_to_accounting: bool
    may: str  # what they may do, in words


PEOPLE = (
    Person("admin", Level.ADMIN, Level.ADMIN, False, "keeps the cost codes, sends them, connects ERPs"),
    Person("approver", Level.NONE, Level.STANDARD, True, "picks GL accounts, exports, rejects"),
    Person("viewer", Level.READ_ONLY, Level.READ_ONLY, False, "looks at everything, changes nothing"),
)

# Codes whose descriptions tell the Practice ERP to fail.
TOLD_TO_FAIL = ("99", "Practice: ERPs That Fail")
FAILURES = (
    ("100", "The ERP refuses this code [refuse]"),
    ("110", "Someone made this code in the ERP before [exists]"),
    ("120", "The ERP does not say whether it has this code [uncertain]"),
    ("130", "The ERP is too busy for this code [busy]"),
    ("140", "The ERP takes its time with this code [slow]"),
)

SENT = ("01-", "03-", "04-", "99-10", "99-11", "99-12")  # beginnings of codes
ACCOUNTS = {  # income, expense; the rest of 01 has none yet
    "01-1": ("4010", "5020"),
    "03-": ("4010", "5110"),
    "04-": ("4010", "5110"),
    "99-": ("4000", None),
}

PROJECTS = (  # number, name, whether it is integrated, beginnings of its codes
    ("P-100", "Riverside Tower", True, ("01-", "03-", "04-")),
    ("P-200", "Harbor Bridge", False, ("02-", "03-")),
)
COST_TYPES = (("L", "Labor"), ("M", "Materials"), ("E", "Equipment"), ("S", "Subcontracts"))


def load() -> Company:
    """Make what was never made. Calls the Practice ERP, so not inside a transaction."""
    company = Company.objects.filter(slug=SLUG).first() or make_company()
    admin, approver = (company.members.filter(user__username=name).first() for name in ("admin", "approver"))
    if admin and not company.audit_events.filter(action="connection.created").exists():
        Connection.objects.connect(company, admin.user, "practice", "Practice ERP", {"behaviour": "normal"}, {})
    connection = company.connections.filter(slug="practice-erp").first()
    if connection and admin and not company.audit_events.filter(action="accounts.synced").exists():
        connection.sync_gl_accounts(admin.user)
    if connection and admin and approver and not company.batches.exists():
        send_some(admin, connection)
        pick_accounts(approver, connection)
    if connection and admin and not company.audit_events.filter(action="project.added").exists():
        add_projects(company, connection, admin.user)
    return company


@transaction.atomic
def make_company() -> Company:
    taken = User.objects.filter(username__in=[person.username for person in PEOPLE]).first()
    if taken:
        raise CommandError(f"The demo needs the username {taken.username} for itself. Rename that person first.")
    company = Company.objects.create(name="Sample Builders", slug=SLUG, time_zone="America/Chicago")
    record(company, None, "company.made", company)
    users = {person.username: make_person(company, person) for person in PEOPLE}
    add_codes(company, users["admin"])
    return company


def make_person(company: Company, person: Person) -> User:
    user = User.objects.create_user(person.username, f"{person.username}@{SLUG}.example")
    add_member(
        company,
        user,
        None,
        admin_level=person.admin_level,
        erp_level=person.erp_level,
        can_push_to_accounting=person.can_push_to_accounting,
    )
    return user


def add_codes(company: Company, admin: User) -> None:
    """The sample list as an admin imports it (its duplicates stay out), and the codes that are told to fail."""
    segment = Segment.of(company)
    segment.lock()
    _, plan = answer(segment, read_grid(CODES.read_bytes()), Choices(segment.delimiter))
    segment.add_codes(plan.new, segment.delimiter, admin)
    division = segment.add_item(*TOLD_TO_FAIL, None, admin)
    for code, description in FAILURES:
        segment.add_item(code, description, division, admin)


@transaction.atomic
def add_projects(company: Company, connection: Connection, admin: User) -> None:
    cost_types = Segment.of(company, "cost-types")
    for code, description in COST_TYPES:
        if not cost_types.items.filter(full_code=code).exists():
            cost_types.add_item(code, description, None, admin)
    for number, name, is_integrated, beginnings in PROJECTS:
        project = Project.add(company, number, name, connection if is_integrated else None, admin)
        codes = project.missing_items().values_list("pk", "full_code")
        ids = [pk for pk, code in codes if code.startswith(beginnings)]
        project.add_codes(SegmentItem.objects.filter(pk__in=ids), admin)


def send_some(admin: Member, connection: Connection) -> None:
    items = SegmentItem.objects.filter(company=admin.company, is_active=True, children=None)
    codes = items.values_list("pk", "full_code")
    send_codes(admin, connection, [pk for pk, code in codes if code.startswith(SENT)])


def pick_accounts(approver: Member, connection: Connection) -> None:
    accounts = dict(connection.gl_accounts.active().values_list("number", "pk"))
    exports = list(connection.code_exports.values_list("pk", "code"))
    for beginning, (income, expense) in ACCOUNTS.items():
        ids = [pk for pk, code in exports if code.startswith(beginning)]
        chosen = accounts[income], accounts[expense] if expense else None
        assign_accounts(approver, connection, Selection.of(ids), *chosen)
