"""Tryton over JSON-RPC, 7.0 and later: a cost code becomes a service product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from erp_integrations.adapters.tryton import payload
from erp_integrations.adapters.tryton.client import AnsweredError, NoDatabaseError, TrytonClient, readable
from erp_integrations.adapters.tryton.payload import Held, Pair
from erp_integrations.base import (
    AccountKind,
    Adapter,
    Capabilities,
    CheckResult,
    CodeData,
    Exists,
    Exported,
    GLAccountData,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Uncertain,
)
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError

if TYPE_CHECKING:
    from django.forms import Form

WRITTEN = ["product.category", "product.template", "product.product", "product.identifier"]
RIGHTS_NEEDED = "Add this user to the group “Account Product Administration” in Tryton."
Problems = dict[str, Outcome]  # by reference
Writer = Callable[[Sequence[CodeData], Mapping[Pair, int]], Problems]
Found = TypeVar("Found")


class TrytonAdapter(Adapter):
    key = "tryton"
    label = "Tryton"
    capabilities = Capabilities(
        item_type="Service product",
        proven_against="real Tryton servers, 8.2 and 7.0",
        batch_size=50,  # on SQLite, Tryton's own check of 100 codes is beyond the database
        has_atomic_batches=True,
        enforces_unique_names=True,
        lists_items=True,
        updates_items=True,
        looks_up_by="reference",
        has_expense_account=True,
        income_kinds=frozenset({AccountKind.INCOME}),
        expense_kinds=frozenset({AccountKind.EXPENSE}),
        call_timeout_s=45,  # after five wrong passwords Tryton takes up to 31 s to say that the next is wrong, too
    )

    def __init__(self, connection_id: int, options: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        super().__init__(connection_id, options, credentials)
        self.client = TrytonClient(
            options["address"],
            options["database"],
            options["username"],
            credentials["password"],
            self.capabilities.call_timeout_s,
        )
        self.remarks = self.client.remarks

    @classmethod
    def options_form(cls) -> type[Form]:
        from erp_integrations.adapters.tryton.forms import TrytonForm

        return TrytonForm

    def check(self) -> CheckResult:
        """Whoever asks for it is there to look at the name of the database; a queue waits for the database instead."""
        try:
            with self._books() as books:
                self._require_membership()
                self._require_rights()
                return CheckResult(books, f"Tryton {self.client.version()}")
        except NoDatabaseError as error:
            raise ConfigurationError(error.message, error.detail) from error

    def fetch_gl_accounts(self) -> Iterable[GLAccountData]:
        """Accounts without a type are headings: nothing can be posted to them."""
        with self._books():
            domain = [["company", "=", self._company], ["type", "!=", None]]
            return list(
                self.client.search_read("account.account", domain, payload.ACCOUNT_FIELDS, payload.parse_account)
            )

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        if not codes:
            return {}
        with self._books(), self._about_codes():
            return self._find(codes, lost=UncertainError)

    def fetch_items(self) -> Iterable[Receipt]:
        with self._books():
            services = [["template.type", "=", "service"]]
            found = self.client.search_read(
                "product.product",
                services,
                payload.PRODUCT_FIELDS,
                payload.parse_product,
                otherwise=payload.broken_product,
            )
            return [payload.listed(product) for product in found if product.receipt.remote_id]

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        if not codes:
            return []
        with self._books():
            found = self._find(codes)
            absent = [code for code in codes if code.reference not in found]
            problems = self._write(absent, lambda good, categories: self._create(good, categories, self._unit()))
            found |= self._read_back(self._find, [code for code in absent if code.reference not in problems])
        return [problems.get(code.reference) or _outcome(code, found.get(code.reference)) for code in codes]

    def update_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        """The accounts of a product are those of its category, which others share: it moves to another category."""
        if not codes:
            return []
        with self._books():
            held = self._held(codes)
            problems = {code.reference: why for code in codes if (why := _why_not(code, held.get(code.reference)))}
            stale = [
                code for code in codes if code.reference not in problems and not held[code.reference].receipt.fits(code)
            ]
            problems |= self._write(stale, lambda good, categories: self._change(good, categories, held))
            if stale:
                held = self._read_back(self._held, codes)
        receipts = {reference: one.receipt for reference, one in held.items()}
        return [problems.get(code.reference) or _updated(code, receipts.get(code.reference)) for code in codes]

    # The books

    @contextmanager
    def _books(self) -> Iterator[str]:
        """Opens the network and the books of the company, and tells its name."""
        with self.client:
            given = str(self.options["company"]).strip()
            which = ["id", "=", int(given)] if given.isdecimal() else ["party.name", "=", given]
            found = self.client.search_read(
                "company.company", [which], ["rec_name"], lambda row: (int(row["id"]), str(row["rec_name"]))
            )
            companies = list(islice(found, 2))
            if len(companies) != 1:
                raise ConfigurationError(f"Tryton has no company “{given}”. Enter its name or its number.")
            self.client.context["company"], name = companies[0]
            yield name

    @property
    def _company(self) -> int:
        return int(self.client.context["company"])

    def _require_membership(self) -> None:
        me = [["login", "=", self.client.username]]
        for companies in self.client.search_read("res.user", me, ["companies"], lambda row: row["companies"]):
            if self._company not in companies:
                raise ConfigurationError(
                    "This user may not work for this company. Add the company to the user in Tryton."
                )

    def _require_rights(self) -> None:
        rights = self.client.call("ir.model.access", "get_access", WRITTEN)
        fields = self.client.call("product.template", "fields_get", ["account_category"])
        with readable("rights"):
            may_create = all(rights[model]["create"] for model in WRITTEN)
            may_set = fields and not fields["account_category"]["readonly"]
        if not fields:
            raise ConfigurationError("This Tryton has no accounts on products. Activate its module account_product.")
        if not may_create or not may_set:
            raise ConfigurationError(f"This user may not create products with accounts. {RIGHTS_NEEDED}")

    # Products

    @contextmanager
    def _about_codes(self) -> Iterator[None]:
        """A question that Tryton refuses may be the fault of one of the codes, unless this user has no rights."""
        try:
            yield
        except AnsweredError as error:
            self._require_rights()
            raise UncertainError(error.message, error.detail) from error

    def _find(self, codes: Sequence[CodeData], lost: type[ERPError] = TransientError) -> dict[str, Receipt]:
        domain = payload.product_domain(codes)
        products = self.client.search_read(
            "product.product", domain, payload.PRODUCT_FIELDS, payload.parse_product, lost, payload.broken_product
        )
        return payload.receipts(codes, list(products))

    def _held(self, codes: Sequence[CodeData]) -> dict[str, Held]:
        """The products that these codes update, by reference."""
        ids = [["id", "in", [int(code.remote_id) for code in codes if code.remote_id.isdecimal()]]]
        found = self.client.search_read(
            "product.product", ids, payload.HELD_FIELDS, payload.parse_held, otherwise=payload.broken_held
        )
        by_id = {held.receipt.remote_id: held for held in found}
        return {code.reference: by_id[code.remote_id].of(code) for code in codes if code.remote_id in by_id}

    def _write(self, codes: Sequence[CodeData], write: Writer) -> Problems:
        """Writes the codes in as few calls as it can, with their categories; the outcomes of those it could not."""
        if not codes:
            return {}
        categories, refusals = self._categories({payload.pair_of(code) for code in codes})
        problems: Problems = {
            code.reference: _refused(code, refusals[pair])
            for code in codes
            if (pair := payload.pair_of(code)) in refusals
        }
        good = [code for code in codes if code.reference not in problems]
        if good:
            problems |= write(good, categories)
        if [type(problem) for problem in problems.values()] == [Refused] * len(codes):
            self._require_rights()  # it is perhaps not the codes that are bad
        return problems

    def _create(self, codes: Sequence[CodeData], categories: Mapping[Pair, int], unit: int) -> Problems:
        """One call makes all or none. When it makes none, someone else may have been first; else it is one of them."""
        if not codes:
            return {}
        values = [payload.product(code, categories[payload.pair_of(code)], unit) for code in codes]
        try:
            self.client.call("product.template", "create", values, lost=UncertainError)
        except AnsweredError as error:
            found = self._find(codes)
            if found:
                return self._create([code for code in codes if code.reference not in found], categories, unit)
            return self._halve(codes, error, lambda half: self._create(half, categories, unit))
        return {}

    def _change(self, codes: Sequence[CodeData], categories: Mapping[Pair, int], held: Mapping[str, Held]) -> Problems:
        """One call changes all or none."""
        words: list[Any] = []
        for code in codes:
            category = categories[payload.pair_of(code)]
            words += [[held[code.reference].template], {"name": code.description, "account_category": category}]
        try:
            self.client.call("product.template", "write", *words, lost=UncertainError)
        except AnsweredError as error:
            return self._halve(codes, error, lambda half: self._change(half, categories, held))
        return {}

    def _halve(
        self, codes: Sequence[CodeData], error: AnsweredError, write: Callable[[Sequence[CodeData]], Problems]
    ) -> Problems:
        """One of the codes is bad. An error of the second half must not speak for the first, which is written."""
        if len(codes) == 1:
            return {codes[0].reference: _refused(codes[0], error)}
        half = len(codes) // 2
        problems = write(codes[:half])
        try:
            return problems | write(codes[half:])
        except ERPError as error:
            return problems | {code.reference: _stopped(code, error) for code in codes[half:]}

    def _read_back(
        self, read: Callable[[Sequence[CodeData]], dict[str, Found]], codes: Sequence[CodeData]
    ) -> dict[str, Found]:
        if not codes:
            return {}
        try:
            return read(codes)
        except ERPError as error:
            raise UncertainError("Tryton took the codes, but could not be asked for them.", error.detail) from error

    def _unit(self) -> int:
        pieces = [["symbol", "=", "u"], ["active", "=", True]]
        for unit in self.client.search_read("product.uom", pieces, ["symbol"], lambda row: int(row["id"])):
            return unit
        raise ConfigurationError("Tryton has no unit of measure with the symbol “u”. Add one.")

    # Accounting categories

    def _categories(self, pairs: set[Pair]) -> tuple[dict[Pair, int], dict[Pair, AnsweredError]]:
        """The category of each pair, made where it is missing, and why some could not be made."""
        found = self._find_categories(pairs)
        missing = sorted(pairs - found.keys(), key=str)
        if not missing:
            return found, {}
        names = self._account_names(missing)
        try:
            return found | self._create_categories(missing, names, self._has_category_codes()), {}
        except AnsweredError:  # someone was first with one of them, or one of them is bad: the others do not suffer
            found |= self._find_categories(missing)
        refusals = {}
        for pair in [pair for pair in missing if pair not in found]:
            try:
                found |= self._create_categories([pair], names, has_code=False)
            except AnsweredError as error:
                refusals[pair] = error
        return found, refusals

    def _find_categories(self, pairs: Collection[Pair]) -> dict[Pair, int]:
        """Nothing makes a pair unique in Tryton: the oldest is taken."""
        domain = payload.category_domain(self._company, pairs)
        rows = self.client.search_read("product.category", domain, payload.CATEGORY_FIELDS, payload.parse_category)
        found: dict[Pair, int] = {}
        for pair, category in rows:
            if pair in pairs:
                found.setdefault(pair, category)
        return found

    def _create_categories(self, pairs: Sequence[Pair], names: Mapping[int, str], has_code: bool) -> dict[Pair, int]:
        values = [payload.category(pair, names, has_code) for pair in pairs]
        made = self.client.call("product.category", "create", values)
        with readable("product.category"):
            return {pair: int(category) for pair, category in zip(pairs, made, strict=True)}

    def _account_names(self, pairs: Iterable[Pair]) -> dict[int, str]:
        accounts = [["id", "in", sorted({account for pair in pairs for account in pair if account})]]
        rows = self.client.search_read("account.account", accounts, ["code", "name"], payload.parse_account_name)
        return dict(rows)

    def _has_category_codes(self) -> bool:
        """Later than 7.0 a category has a unique code, which keeps two exports at once from making the same twice."""
        return bool(self.client.call("product.category", "fields_get", ["code"]))


def _outcome(code: CodeData, receipt: Receipt | None) -> Outcome:
    if receipt is None:
        return Uncertain(code.reference, "Tryton took this code, but does not show it.")
    if receipt.description is None:  # its record cannot be read
        return Exists(code.reference, receipt, receipt.obstacle)
    if not receipt.is_ours:
        message = f"Tryton already has a product with the code {receipt.code}, made by someone else. {receipt.obstacle}"
        return Exists(code.reference, receipt, message.strip())
    if not receipt.is_active:
        return Exists(code.reference, receipt, receipt.obstacle)
    if different := payload.differences(code, receipt):
        return Exists(code.reference, receipt, f"Tryton holds this code, but differs in {' and '.join(different)}.")
    return Exported(code.reference, receipt)


def _why_not(code: CodeData, held: Held | None) -> Outcome | None:
    """Why the product is left as it is."""
    if held is None:
        message = "Tryton no longer has this product. Keep the code as it is, then unlink it."
        return Refused(code.reference, message, f"product {code.remote_id}")
    if held.receipt.description is None or not held.receipt.is_active:  # its record cannot be read, or is archived
        return Exists(code.reference, held.receipt, held.receipt.obstacle)
    if held.receipt.code != code.code:
        return Exists(
            code.reference, held.receipt, f"The product of {code.code} is {held.receipt.code} in Tryton by now."
        )
    if held.has_variants:
        message = "In Tryton this product has variants, which share its name and accounts. Change it there."
        return Exists(code.reference, held.receipt, message)
    return None


def _updated(code: CodeData, receipt: Receipt | None) -> Outcome:
    if receipt is None:
        return Uncertain(code.reference, "Tryton took this code, but does not show it.")
    if receipt.description is None:
        return Exists(code.reference, receipt, receipt.obstacle)
    if different := payload.differences(code, receipt):
        return Exists(code.reference, receipt, f"Tryton holds this code, but differs in {' and '.join(different)}.")
    return Exported(code.reference, receipt)


def _refused(code: CodeData, error: ERPError) -> Refused:
    return Refused(code.reference, error.message, error.detail)


def _stopped(code: CodeData, error: ERPError) -> Outcome:
    if isinstance(error, UncertainError):
        return Uncertain(code.reference, error.message, error.detail)
    return NotSent(code.reference, error.message, error.detail, getattr(error, "retry_after_s", None))
