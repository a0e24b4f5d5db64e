"""The adapter interface: what `exports` may ask of an ERP, and the only words in which it answers.

An adapter is a folder `adapters/<erp>/`, one dotted path in `settings.ERP_ADAPTERS` (or an entry point in the group
`tieback.adapters`), and one test class that inherits from `erp_integrations.conformance`. No model is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from django.forms import Form


class Delivery(StrEnum):
    PUSH = "push"  # we call the ERP
    PULL = "pull"  # the ERP's connector calls us


class AccountKind(StrEnum):
    """Kind of a GL account. Only profit-and-loss kinds are ever offered for a cost code."""

    INCOME = "income"
    OTHER_INCOME = "other_income"
    COST_OF_GOODS_SOLD = "cost_of_goods_sold"
    EXPENSE = "expense"
    OTHER_EXPENSE = "other_expense"
    OTHER = "other"  # balance sheet and everything else


INCOME_KINDS = frozenset({AccountKind.INCOME, AccountKind.OTHER_INCOME})
EXPENSE_KINDS = frozenset({AccountKind.COST_OF_GOODS_SOLD, AccountKind.EXPENSE, AccountKind.OTHER_EXPENSE})

ACCOUNT_FIELDS = ("income_account", "expense_account")  # of a code, and of whatever gives a code its accounts

MAX_REMOTE_ID = 100  # characters of an item's id in the ERP


@dataclass(frozen=True)
class Capabilities:
    """What an integration can do; each field answers a question, the default is "no". Pages and checks read this."""

    item_type: str  # what does a cost code become in the ERP? ("Service product")
    proven_against: str  # how was it proven? ("a real Tryton 8.2 server")
    batch_size: int = 1  # how many codes does one call carry at the most?
    has_atomic_batches: bool = False  # does one bad code refuse the whole call?
    enforces_unique_names: bool = False  # does the ERP itself refuse a second item of the same code?
    lists_items: bool = False  # can it list the items that it has, so that codes are linked to them?
    updates_items: bool = False  # can an item that is there be given new values?
    looks_up_by: str = "code"  # by what does `find` find items? ("reference" or "code")
    code_limit: int | None = None  # how many characters may a full code have?
    description_limit: int | None = None  # how many characters may a description have?
    forbidden_characters: str = ""  # which characters may a code not contain, or a tier where tiers are exported?
    has_tiers: bool = False  # are divisions exported too, parents before children?
    has_cost_types: bool = False
    has_sub_jobs: bool = False
    has_custom_segments: bool = False
    has_project_codes: bool = False  # may a project have codes of its own?
    has_expense_account: bool = False  # is there a second, expense account on the item?
    income_takes_purchases: bool = False  # without it, does the income account get the purchases too?
    income_kinds: frozenset[AccountKind] = INCOME_KINDS  # which kinds may the income account have?
    expense_kinds: frozenset[AccountKind] = EXPENSE_KINDS
    call_timeout_s: float = 30  # after how long is a call given up? The lease is longer than this.
    settle_s: float = 60  # how long may the ERP still work on a call that we gave up? Only then "absent" is believed.


def kinds_of(able: Capabilities, field: str) -> frozenset[AccountKind]:
    """Which kinds an account of this one of ACCOUNT_FIELDS may have; none where the ERP has no such account."""
    if field == "income_account":
        return able.income_kinds
    return able.expense_kinds if able.has_expense_account else frozenset()


@dataclass(frozen=True)
class CodeData:
    """One cost code as an adapter sees it."""

    reference: str  # ours, unique per connection, never changes: the external id in the ERP
    code: str  # the full code, "01-100"
    description: str
    tiers: tuple[str, ...] = ()  # ("01", "100")
    income_account: str | None = None  # remote id; None only before an account was picked (validate)
    expense_account: str | None = None  # remote id; None means explicitly none
    request_key: str = ""  # idempotency key of this try
    remote_id: str = ""  # of the item that gets these values (`update_codes`); empty: it is to be made

    def names(self, has_tiers: bool) -> tuple[str, ...]:
        """The names of the item and of those above it, top down: what joins the tiers of a code is not sent."""
        return self.tiers if has_tiers and self.tiers else (self.code,)


@dataclass(frozen=True)
class GLAccountData:
    remote_id: str
    number: str | None
    name: str
    kind: AccountKind
    is_active: bool = True
    parent: str = ""  # the accounts above it ("Revenue: Public Works"), to tell it from one that reads alike


@dataclass(frozen=True)
class Receipt:
    """An item as the ERP holds it now, read back from it. Raises ValueError for an id that cannot be kept."""

    remote_id: str  # at most MAX_REMOTE_ID characters
    code: str
    description: str | None  # None: the ERP was not asked for the values, the accounts are not known either
    income_account: str | None
    expense_account: str | None
    is_ours: bool  # does it carry our reference?
    is_active: bool = True
    detail: str = ""
    obstacle: str = ""  # why it cannot be linked as it is, as a sentence; empty when it can
    # The reference that it carries, or what the ERP keeps instead (`Adapter.references_of`), this code's if it is ours;
    # empty: none, or the ERP cannot tell.
    owner: str = ""

    def __post_init__(self) -> None:
        if len(self.remote_id) > MAX_REMOTE_ID:
            raise ValueError(f"The ERP's id has {len(self.remote_id)} characters; {MAX_REMOTE_ID} are possible.")

    @property
    def is_anothers(self) -> bool:
        """Whether it carries a reference that is not this code's; in a list of all items no code is asked about."""
        return bool(self.owner) and not self.is_ours

    def fits(self, code: CodeData) -> bool:
        """Whether the item is active and holds exactly the values of this code."""
        return self.is_active and (self.code, self.description, self.income_account, self.expense_account) == (
            code.code,
            code.description,
            code.income_account,
            code.expense_account,
        )


@dataclass(frozen=True)
class Exported:
    reference: str
    receipt: Receipt


@dataclass(frozen=True)
class Exists:
    """An item of that code is there which is not ours, or is ours with other values. Nothing was written."""

    reference: str
    receipt: Receipt
    message: str


@dataclass(frozen=True)
class Refused:
    """The ERP definitely refused this code; a person must act."""

    reference: str
    message: str
    detail: str = ""
    is_chart_stale: bool = False  # is an account gone, so that the GL accounts must be read again?


@dataclass(frozen=True)
class NotSent:
    """Definitely not executed for this code; it may be tried again."""

    reference: str
    message: str
    detail: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Uncertain:
    """Nobody knows whether this code arrived; the ERP is asked before anything else."""

    reference: str
    message: str
    detail: str = ""


Outcome = Exported | Exists | Refused | NotSent | Uncertain


@dataclass(frozen=True)
class CheckResult:
    """What `check` found: "Connected to <company> (<version>)"."""

    company: str
    version: str = ""

    def __str__(self) -> str:
        return f"Connected to {self.company}" + (f" ({self.version})" if self.version else "")


class Adapter:
    """Base of all adapters: owns the checks that follow from the capabilities; a subclass answers questions.

    `options` are the plain, `credentials` the secret answers of `options_form`. Instances live for one portion, in one
    thread, which need not be the one that writes to the database.
    """

    do_not_call_in_templates: ClassVar[bool] = True  # templates read what the class says
    key: ClassVar[str]
    label: ClassVar[str]
    delivery: ClassVar[Delivery] = Delivery.PUSH
    capabilities: ClassVar[Capabilities]
    note: ClassVar[str] = ""  # what should people know before they connect? Shown on "Supported ERPs".

    def __init__(self, connection_id: int, options: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        self.connection_id = connection_id
        self.options = options
        self.credentials = credentials
        # What of the ERP's answers was left out or replaced because it cannot be read, as sentences that name it.
        self.remarks: list[str] = []

    @classmethod
    def capabilities_with(cls, options: Mapping[str, Any]) -> Capabilities:
        """What a connection with these options can do; the same for all, unless an option changes it."""
        return cls.capabilities

    @cached_property
    def able(self) -> Capabilities:
        """What this connection can do."""
        return self.capabilities_with(self.options)

    @classmethod
    def options_form(cls) -> type[Form]:
        """The form of the options; its attribute `secret_fields` names those that are stored encrypted, write-only."""
        raise NotImplementedError

    def check(self) -> CheckResult:
        """Prove address, credentials and rights. Raises ConfigurationError or TransientError; writes nothing."""
        raise NotImplementedError

    def fetch_gl_accounts(self) -> Iterable[GLAccountData]:
        """All accounts of the books, inactive ones included."""
        raise NotImplementedError

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        """Receipts by reference of the items that exist, archived ones included; the absent are absent.

        Writes nothing. An item that carries our reference wins over one that has only the code.
        """
        raise NotImplementedError

    @classmethod
    def references_of(cls, owners: Collection[str], references: Iterable[str]) -> dict[str, str]:
        """Our reference for each of these owners of items, as far as it is known.

        An ERP that keeps something else in place of a reference looks for it among `references`, all that we gave.
        """
        return {owner: owner for owner in owners}

    def fetch_items(self) -> Iterable[Receipt]:
        """All items of the kind that a cost code becomes, archived ones included; only with `lists_items`.

        `is_ours` says here whether an item carries any reference of Tieback's, `owner` which: as it was given to
        `export_codes`, so that it is found again. Writes nothing.
        """
        raise NotImplementedError

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        """Create the items: one outcome per code, matched by reference. Idempotent on `reference`.

        At most `capabilities.batch_size` codes. An ERPError speaks for the whole call; a code without an outcome is
        taken as uncertain.
        """
        raise NotImplementedError

    def update_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        """Give the items `remote_id` the description and the accounts of these codes; only with `updates_items`.

        As `export_codes`, and setting the same values twice is harmless. The code itself never changes: an item that
        has another by now, or is archived, is left as it is (Exists); one that is gone is Refused. Nothing is created.
        """
        raise NotImplementedError

    def validate(self, code: CodeData) -> list[str]:
        """What this ERP would refuse about the code, as sentences that say what to do; empty when it may be sent."""
        able, problems = self.able, []
        if able.code_limit and len(code.code) > able.code_limit:
            problems.append(self.too_long(code, able.code_limit))
        if able.description_limit and len(code.description) > able.description_limit:
            problems.append(
                f"{self.label} allows {able.description_limit} characters for a description; "
                f"this one has {len(code.description)}. Shorten it."
            )
        if bad := sorted({c for name in code.names(able.has_tiers) for c in name if c in able.forbidden_characters}):
            problems.append(f"{self.label} does not allow {' '.join(bad)} in a code. Take it out.")
        if not code.description.strip():
            problems.append(f"{self.label} needs a description. Add one.")
        return problems

    def too_long(self, code: CodeData, limit: int) -> str:
        """The sentence for a code beyond `code_limit`; overridden where there is more to say than "shorten it"."""
        return f"{self.label} allows {limit} characters for a code; this one has {len(code.code)}. Shorten it."
