"""Reading the review page: which part of the list, its counts, its rows, the accounts to choose from, the progress."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, Q, Subquery
from django.db.models.functions import Now
from django.http import QueryDict

from companies.models import Member
from companies.numbers import number
from erp_integrations.base import INCOME_KINDS
from erp_integrations.models import Connection, GLAccount
from exports.models import (
    ASSIGNABLE,
    FILTERS,
    LINKABLE,
    REJECTABLE,
    RETRYABLE,
    UNFINISHED,
    CodeExport,
    CodeExportQuerySet,
    Status,
    advice,
    kinds_of,
)
from exports.words import StatusWords, status_words
from wbs.codes import fold

CAP = 10_000  # counts are exact up to here
PAGE_SIZES = (50, 100, 250)
DEFAULT_FILTER = "ready-to-export"


@dataclass(frozen=True)
class Listing:
    """Which part of the list is shown: filter, search, page, rows a page."""

    filter: str = DEFAULT_FILTER
    search: str = ""
    page: int = 1
    rows: int = 100

    @classmethod
    def read(cls, params: QueryDict) -> Listing:
        """From a query string or a form; what makes no sense becomes the default."""
        name = str(params.get("filter", ""))
        rows = number(params.get("rows"), 100)
        return cls(
            filter=name if name in FILTERS else DEFAULT_FILTER,
            search=str(params.get("q", "")).strip()[:200],
            page=max(1, number(params.get("page"), 1)),
            rows=rows if rows in PAGE_SIZES else 100,
        )

    def query(self, **changes: object) -> str:
        """The query string of this part, with changes; defaults are left out."""
        values = {"filter": self.filter, "q": self.search, "page": self.page, "rows": self.rows, **changes}
        defaults = {"filter": DEFAULT_FILTER, "q": "", "page": 1, "rows": 100}
        told = {name: value for name, value in values.items() if value != defaults[name]}
        return f"?{urlencode(told)}" if told else ""

    @property
    def filter_label(self) -> str:
        return FILTERS[self.filter][0]

    @property
    def states(self) -> tuple[Status, ...]:
        return FILTERS[self.filter][1]

    def of(self, connection: Connection) -> CodeExportQuerySet:
        return connection.code_exports.in_filter(self.filter).matching(self.search)


class CappedCount(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()


def _capped(rows: CodeExportQuerySet) -> CappedCount:
    return CappedCount(rows.values("pk")[: CAP + 1])


@dataclass(frozen=True)
class Counts:
    """How many codes are in each state (up to one more than CAP), at a moment of the database's clock."""

    by_status: dict[str, int]
    now: datetime
    last_batch: int  # the newest click on the connection that was committed at this moment
    updates: dict[str, int]  # updates of synced codes among them, which no rejection takes

    @classmethod
    def read(cls, connection: Connection, search: str) -> Counts:
        found = connection.code_exports.matching(search).order_by()
        updates = found.filter(kept__isnull=False)
        of_all = [_capped(found.filter(status=status)) for status in Status]
        of_updates = [_capped(updates.filter(status=status)) for status in REJECTABLE]
        newest = Subquery(connection.batches.order_by("-id").values("pk")[:1])
        wanted: tuple[Any, ...] = (Now(), newest, *of_all, *of_updates)
        now, last, *numbers = Connection.objects.filter(pk=connection.pk).values_list(*wanted).get()
        by_status, rest = dict(zip(Status, numbers, strict=False)), numbers[len(Status) :]
        return cls(by_status, now, last or 0, dict(zip(REJECTABLE, rest, strict=True)))

    @property
    def moment(self) -> str:
        """What the page carries of the moment at which its list was read (`forms.read_moment`)."""
        return f"{self.now.isoformat()} {self.last_batch}"

    def of(self, states: Iterable[Status]) -> int:
        return sum(self.by_status[status] for status in states)

    def shown(self, states: Iterable[Status]) -> str:
        return shown(self.of(states))

    def rejectable(self, states: Collection[Status]) -> int:
        """How many of them "Reject All" would take."""
        return sum(self.by_status[status] - self.updates[status] for status in REJECTABLE if status in states)


def shown(count: int) -> str:
    return f"{count:,}" if count <= CAP else f"{CAP:,}+"


@dataclass(frozen=True)
class Progress:
    """How far the exports are that run now, or that the page watched until they ended."""

    batches: tuple[int, ...] = ()
    by_status: dict[str, int] = field(default_factory=dict)
    started_at: datetime | None = None

    @classmethod
    def read(cls, connection: Connection, watched: Iterable[int]) -> Progress:
        running = connection.code_exports.filter(status__in=UNFINISHED).values("export_batch")
        rows = (
            connection.code_exports.filter(Q(export_batch__in=running) | Q(export_batch__in=list(watched)))
            .filter(status__in=[*UNFINISHED, Status.SUCCESS, *RETRYABLE])
            .order_by()
            .values_list("export_batch", "export_batch__at", "status")
            .annotate(Count("pk"))
        )
        batches: dict[int, datetime] = {}
        by_status: dict[str, int] = {}
        for batch, at, status, count in rows:
            batches[batch] = at
            by_status[status] = by_status.get(status, 0) + count
        return cls(tuple(sorted(batches)), by_status, min(batches.values(), default=None))

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def left(self) -> int:
        return sum(self.by_status.get(status, 0) for status in UNFINISHED)

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def failed(self) -> int:
        return self.by_status.get(Status.FAILED, 0)

    def time_left(self, now: datetime) -> str:
        """ "about 20 s left", once something is done."""
        if not (self.done and self.left and self.started_at):
            return ""
        seconds = int((now - self.started_at).total_seconds() * self.left / self.done) + 1
        return f"about {seconds} s left" if seconds < 100 else f"about {seconds // 60 + 1} min left"

    @property
    def outcome(self) -> str:
        """ "386 Success, 3 Failed"."""
        states = (Status.SUCCESS, *RETRYABLE)
        return ", ".join(f"{self.by_status[s]:,} {s.label}" for s in states if self.by_status.get(s))


@dataclass(frozen=True)
class Held:
    """An account that a code has, as its row shows it."""

    account: GLAccount
    text: str  # of the option that keeps it: flagged where the list would not offer it
    is_offered: bool
    trouble: str  # why the code would not be exported with it, and what to do
    keeps: str  # what "Keep" posts where keeping it is all that is needed: how it reads now

    @classmethod
    def of(cls, export: CodeExport, field: str) -> Held | None:
        """None where there is no account. A synced code's accounts belong to the ERP: nothing is said of them."""
        account: GLAccount | None = getattr(export, field)
        if account is None:
            return None
        kinds = kinds_of(export.connection.capabilities, field)
        flag, why = account.flag(kinds), export.trouble(field) if export.status in REJECTABLE else ""
        trouble = f"{why[0].upper()}{why[1:]}. {advice(account, kinds)}" if why else ""
        may_keep = bool(trouble) and not flag and export.status in LINKABLE
        text = f"{account} ({flag})" if flag else str(account)
        return cls(account, text, not flag, trouble, account.identity if may_keep else "")


@dataclass(frozen=True)
class Row:
    """One code as the table shows it, with what this member may do about it."""

    export: CodeExport
    words: StatusWords
    can_assign: bool
    can_assign_expense: bool
    can_retry: bool
    can_cancel: bool
    can_link: bool
    asks_to_confirm: bool  # the page of the code may do so before it links
    can_reject: bool
    can_unlink: bool
    is_update: bool  # of a synced code: cancelled, it is Success again
    has_changed: bool  # in the WBS, since it was exported
    inherited: str  # whose default accounts it has, as a sentence; empty when they are none
    takes_purchases: bool  # the income account does, as long as there is no expense account
    problem: str = ""

    @property
    def income(self) -> Held | None:
        return Held.of(self.export, "income_account")

    @property
    def expense(self) -> Held | None:
        return Held.of(self.export, "expense_account")

    @property
    def asks_to_keep(self) -> bool:
        """Whether one of its accounts may be kept as it reads now; both are posted then."""
        return any(held and held.keeps for held in (self.income, self.expense))

    @classmethod
    def of(cls, export: CodeExport, member: Member, problem: str = "") -> Row:
        may, status = member.can_review, export.status
        has_expense = export.connection.capabilities.has_expense_account
        return cls(
            export=export,
            words=status_words(export),
            can_assign=may and status in ASSIGNABLE,
            can_assign_expense=may and status in ASSIGNABLE and has_expense,
            can_retry=may and status in RETRYABLE,
            can_cancel=may and (status == Status.QUEUED or (export.is_update and status in RETRYABLE)),
            can_link=may and status == Status.ATTENTION and not export.is_update and is_linkable(export),
            asks_to_confirm=_looks_anothers(export),
            can_reject=may and status in REJECTABLE and not export.is_update,
            can_unlink=may and status == Status.SUCCESS,
            is_update=export.is_update,
            has_changed=status == Status.SUCCESS and export.item.version != export.item_version,
            inherited=_inherited(export) if status in ASSIGNABLE else "",
            takes_purchases=export.connection.capabilities.income_takes_purchases
            and bool(export.income_account_id and not export.expense_account_id),
            problem=problem,
        )


def is_linkable(export: CodeExport) -> bool:
    """Whether the ERP showed an item that may be taken for ours. One that is inactive has to be made active first."""
    receipt = export.receipt
    return bool(receipt and not receipt.get("obstacle") and receipt.get("is_active", True))


def _looks_anothers(export: CodeExport) -> bool:
    """Whether the ERP's item may be another code's, without asking: `services.claim_on` knows for sure."""
    held = export.receipt or {}
    carries_anothers = bool(held.get("owner")) and not held.get("is_ours")
    return carries_anothers or fold(held.get("code", export.code)) != export.code_key


def _inherited(export: CodeExport) -> str:
    """ "Accounts: default of 03", "Income: default of Practice ERP"."""
    income, expense = export.income_from, export.expense_from
    if income == expense:
        return f"Accounts: default of {income}" if income else ""
    return ", ".join(f"{kind}: default of {it}" for kind, it in (("Income", income), ("Expense", expense)) if it)


@dataclass(frozen=True)
class Seen:
    """A row as the page shows it now: what polls and answers compare."""

    moves: int
    version: int


def read_seen(values: Sequence[str]) -> dict[int, Seen]:
    """From the fields `seen`, each "id:moves:version"."""
    parts = [[number(part, -1) for part in value.split(":")] for value in values[: max(PAGE_SIZES)]]
    return {part[0]: Seen(part[1], part[2]) for part in parts if len(part) == 3}


@dataclass(frozen=True)
class Group:
    """Accounts that are offered together, and in which of the drop-downs: "income", "expense" or both."""

    lists: str
    label: str
    accounts: list[tuple[int, str]]  # (id, "number name")


@dataclass(frozen=True)
class Choices:
    """The active accounts that both drop-downs offer, each of them once. Income kinds come first."""

    groups: list[Group]

    @classmethod
    def read(cls, connection: Connection) -> Choices:
        able = connection.capabilities
        for_income, for_expense = able.income_kinds, able.expense_kinds if able.has_expense_account else frozenset()
        parts = [  # no kind is in two of them
            ("income", "Income", (for_income - for_expense) & INCOME_KINDS),
            ("income expense", "Other profit and loss", for_income & for_expense),
            ("income", "Other profit and loss", for_income - for_expense - INCOME_KINDS),
            ("expense", "Expense", for_expense - for_income),
        ]
        found = connection.gl_accounts.active().of_kinds(for_income | for_expense)
        accounts = [(account.kind, account.pk, str(account)) for account in found]
        groups = [
            Group(lists, label, [(pk, text) for kind, pk, text in accounts if kind in kinds])
            for lists, label, kinds in parts
        ]
        return cls([group for group in groups if group.accounts])

    @property
    def income(self) -> list[Group]:
        return [group for group in self.groups if "income" in group.lists]

    @property
    def expense(self) -> list[Group]:
        return [group for group in self.groups if "expense" in group.lists]
