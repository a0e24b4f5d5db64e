"""Our words to Tryton's and back; nothing here touches the network.

A cost code becomes a service product. Its accounts hang on an accounting category, one per pair of accounts. Our
reference is one of the product's identifiers, which is how we know our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from erp_integrations.base import AccountKind, CodeData, GLAccountData, Receipt

OURS = "tieback:"  # how our identifiers begin
ARCHIVED = "It is archived in Tryton: restore it there or rename the code, then retry."
TEMPLATE_ARCHIVED = (
    "Its template is archived in Tryton and its variant is not, so that the code is taken: restore the template, "
    "archive the variant too, or rename the code, then retry."
)
ACCOUNT_FIELDS = [
    "code",
    "name",
    "closed",
    "active",
    "type.revenue",
    "type.expense",
    "parent.name",
    "parent.parent.name",
]
CATEGORY_FIELDS = ["account_revenue", "account_expense"]
PRODUCT_FIELDS = [
    "code",
    "active",
    "identifiers.code",
    "template.name",
    "template.active",
    "template.account_category.account_revenue",
    "template.account_category.account_expense",
]
HELD_FIELDS = [*PRODUCT_FIELDS, "template", "template.products"]


class Pair(NamedTuple):
    """The accounts of a category, by Tryton's ids."""

    income: int
    expense: int | None


@dataclass(frozen=True)
class Product:
    receipt: Receipt  # with `is_ours` still open
    identifiers: frozenset[str]


@dataclass(frozen=True)
class Held:
    """A product that is to be given new values."""

    product: Product
    template: int
    has_variants: bool

    @property
    def receipt(self) -> Receipt:
        return self.product.receipt

    def of(self, code: CodeData) -> Held:
        """The same, known to be ours or not."""
        return replace(self, product=replace(self.product, receipt=told(self.product, code)))


def identifier_of(code: CodeData) -> str:
    return f"{OURS}{code.reference}"


def listed(product: Product) -> Receipt:
    """The product as a list of all shows it, where no code is asked about."""
    return replace(product.receipt, is_ours=any((name or "").startswith(OURS) for name in product.identifiers))


def told(product: Product, code: CodeData) -> Receipt:
    """The product as an answer about a code shows it."""
    receipt = as_sent(product.receipt, code)
    if receipt.description is None:  # it cannot be read: that it is there is all that is said of it
        return receipt
    if identifier_of(code) in product.identifiers:
        return replace(receipt, is_ours=True, owner=code.reference)
    return replace(receipt, is_ours=False)


def stored(code: str) -> str:
    """The code as Tryton, 8.2 and 7.0, keeps it: a template's without blanks before it; a variant's, by which it is
    found, without any around it, whatever Python calls a blank. Case counts.
    """
    return code.strip()


def as_sent(receipt: Receipt, code: CodeData) -> Receipt:
    """With the code as we write it, if what Tryton holds is what it makes of that."""
    return replace(receipt, code=code.code) if receipt.code == stored(code.code) else receipt


def pair_of(code: CodeData) -> Pair:
    if code.income_account is None:
        raise ValueError(f"{code.code} has no income account")
    return Pair(int(code.income_account), int(code.expense_account) if code.expense_account else None)


def parse_account(row: Mapping[str, Any]) -> GLAccountData:
    """SQLite answers 1 and 0 for true and false."""
    revenue, expense = bool(row["type."]["revenue"]), bool(row["type."]["expense"])
    return GLAccountData(
        remote_id=str(int(row["id"])),
        number=row["code"] or None,
        name=str(row["name"]),
        kind=AccountKind.INCOME if revenue else AccountKind.EXPENSE if expense else AccountKind.OTHER,
        is_active=bool(row["active"]) and not row["closed"],
        parent=": ".join(reversed(_names_above(row))),
    )


def _names_above(row: Mapping[str, Any]) -> list[str]:
    """The names of the accounts above one, nearest first, as far as they were asked for."""
    above = row.get("parent.")
    return [str(above["name"]), *_names_above(above)] if above else []


def parse_account_name(row: Mapping[str, Any]) -> tuple[int, str]:
    return int(row["id"]), row["code"] or str(row["name"])


def parse_category(row: Mapping[str, Any]) -> tuple[Pair, int]:
    return Pair(row["account_revenue"], row["account_expense"]), int(row["id"])


def parse_product(row: Mapping[str, Any]) -> Product:
    template = row["template."]
    category = template["account_category."] or {"account_revenue": None, "account_expense": None}
    identifiers = frozenset(identifier["code"] for identifier in row["identifiers."] or ())
    ours = sorted(name.removeprefix(OURS) for name in identifiers if (name or "").startswith(OURS))
    receipt = Receipt(
        remote_id=str(int(row["id"])),
        code=row["code"] or "",
        description=str(template["name"]),
        income_account=_remote_id(category["account_revenue"]),
        expense_account=_remote_id(category["account_expense"]),
        is_ours=False,
        is_active=bool(row["active"]) and bool(template["active"]),
        obstacle=_why_archived(bool(row["active"]), bool(template["active"])),
        owner=next(iter(ours), ""),
    )
    return Product(receipt, identifiers)


def _why_archived(is_product_active: bool, is_template_active: bool) -> str:
    """Tryton lets a template be archived alone (not so 7.0): its variant then keeps the code from everybody else."""
    if is_product_active and not is_template_active:
        return TEMPLATE_ARCHIVED
    return "" if is_product_active else ARCHIVED


def broken_product(row: Mapping[str, Any], why: str) -> Product | None:
    """A product whose record cannot be read still has its code, which is not free then, and its identifiers: under
    whatever code, what carries ours is not absent.
    """
    broken = _broken(row, why)
    return broken if broken.receipt.code or broken.identifiers else None


def broken_held(row: Mapping[str, Any], why: str) -> Held:
    """A product that is to be given new values and cannot be read is there all the same."""
    return Held(_broken(row, why), template=0, has_variants=False)


def _broken(row: Mapping[str, Any], why: str) -> Product:
    """As much of it as can be read."""
    identifiers = frozenset(_readable_identifiers(row))
    remote_id = str(row["id"]) if isinstance(row.get("id"), int) else ""
    code = row["code"] if isinstance(row.get("code"), str) else ""
    of = code or f"product {remote_id}".strip()
    obstacle = f"Tryton's record of {of} cannot be read. Look at the product there, then retry."
    receipt = Receipt(remote_id, code, None, None, None, is_ours=False, detail=why, obstacle=obstacle)
    return Product(receipt, identifiers)


def _readable_identifiers(row: Mapping[str, Any]) -> Iterator[str]:
    told = row.get("identifiers.")
    for identifier in told if isinstance(told, list) else ():
        if isinstance(identifier, Mapping) and isinstance(name := identifier.get("code"), str):
            yield name


def parse_held(row: Mapping[str, Any]) -> Held:
    return Held(parse_product(row), int(row["template"]), len(row["template."]["products"]) > 1)


def product_domain(codes: Sequence[CodeData]) -> list[Any]:
    """Archived products are left out unless the context says otherwise: Tryton does not see a word on them in an OR."""
    identifiers = [identifier_of(code) for code in codes]
    return ["OR", ["identifiers.code", "in", identifiers], ["code", "in", [stored(code.code) for code in codes]]]


def category_domain(company: int, pairs: Iterable[Pair]) -> list[Any]:
    """Categories of any of these income accounts; the accounts can be searched through this relation alone."""
    of_ours = [["company", "=", company], ["account_revenue", "in", sorted({pair.income for pair in pairs})]]
    return [["accounting", "=", True], ["account_parent", "=", None], ["accounts", "where", of_ours]]


def category(pair: Pair, names: Mapping[int, str], has_code: bool) -> dict[str, Any]:
    """`account_expense` is given even when it is none: left out, Tryton fills in the company's default."""
    accounts = "/".join(names.get(account, str(account)) for account in pair if account is not None)
    values = {
        "name": f"GL {accounts}",
        "accounting": True,
        "account_revenue": pair.income,
        "account_expense": pair.expense,
    }
    return {**values, "code": f"GL-{pair.income}-{pair.expense or 'NONE'}"} if has_code else values


def product(code: CodeData, category_id: int, unit_id: int) -> dict[str, Any]:
    variant = {"identifiers": [["create", [{"code": identifier_of(code)}]]]}
    return {
        "code": code.code,
        "name": code.description,
        "type": "service",
        "default_uom": unit_id,
        "account_category": category_id,
        "products": [["create", [variant]]],
    }


def receipts(codes: Iterable[CodeData], products: Sequence[Product]) -> dict[str, Receipt]:
    """By reference. Ours before theirs; of ours the one of this code, since a copied product copies its identifiers."""
    found = {}
    for code in codes:
        ours, candidates = identifier_of(code), []
        for product in products:
            held = product.receipt
            rank = (ours not in product.identifiers, held.code != stored(code.code), not held.is_active)
            if not (rank[0] and rank[1]):
                candidates.append((rank, int(held.remote_id or 0), product))
        if candidates:
            found[code.reference] = told(min(candidates, key=lambda candidate: candidate[:2])[-1], code)
    return found


def differences(code: CodeData, receipt: Receipt) -> list[str]:
    """What of the item is not as the code says, in words."""
    pairs = {
        "the code": (receipt.code, code.code),
        "the description": (receipt.description, code.description),
        "the income account": (receipt.income_account, code.income_account),
        "the expense account": (receipt.expense_account, code.expense_account),
    }
    return [what for what, (theirs, ours) in pairs.items() if theirs != ours]


def _remote_id(value: Any) -> str | None:
    return None if value is None else str(int(value))
