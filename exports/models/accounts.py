"""The accounts of a code: how they read, which ones it may have, and what became of them since they were picked."""

from __future__ import annotations

from django.db.models import (
    Case,
    CharField,
    Exists,
    Expression,
    ExpressionWrapper,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat

from erp_integrations.base import ACCOUNT_FIELDS, AccountKind, Capabilities, kinds_of
from erp_integrations.models import GLAccount, GLAccountQuerySet


def source_of(field: str) -> str:
    """The field that tells whose default filled this account in: `income_from` of `income_account`."""
    return field.replace("_account", "_from")


def picked_of(field: str) -> str:
    """The field that keeps what the account was called in the chart when it was picked: `income_picked`."""
    return field.replace("_account", "_picked")


def account_words(field: str) -> Expression:
    return Case(When(**{f"{field}__isnull": True}, then=Value("none")), default=GLAccount.label(field))


# "Income: 4000 Sales; Expense: none", as CodeExport.accounts, for INSERT ... SELECT
ACCOUNTS = Concat(
    Value("Income: "), account_words("income_account"), Value("; Expense: "), account_words("expense_account")
)


def identity_of(account_id: Expression | None) -> Expression:
    """How the account reads now, for `picked_of`; empty for none."""
    return _read(account_id, GLAccount.identity_sql()) if account_id else Value("")


def label_of(account_id: Expression) -> Expression:
    """How people read the account now; empty if there is none."""
    return _read(account_id, GLAccount.label())


def _read(account_id: Expression, words: Expression) -> Expression:
    found = GLAccount.objects.filter(pk=account_id).order_by().values_list(words)
    return Coalesce(Subquery(found), Value(""), output_field=CharField())


def may_have(field: str, account_id: int | Expression | None, able: Capabilities) -> Q:
    """Whether a row may have this account: none at all, the one it has, or an active one of a fitting kind."""
    if account_id is None:
        return Q()
    accounts = GLAccount.objects.active().of_kinds(kinds_of(able, field))
    return Q(**{field: account_id}) | Q(Exists(accounts.filter(pk=account_id, connection=OuterRef("connection"))))


def fits(able: Capabilities) -> Q:
    """Whether the ERP may be given a row's accounts: an income account and perhaps an expense account, each active, of
    a fitting kind, and reading as it did when it was picked. `trouble` says the same of one account, in words."""
    income, expense = (Q(Exists(_good(field, able))) for field in ACCOUNT_FIELDS)
    return income & (Q(expense_account=None) | expense) if able.has_expense_account else income


def _good(field: str, able: Capabilities) -> GLAccountQuerySet:
    picked = ExpressionWrapper(OuterRef(picked_of(field)), CharField())
    accounts = GLAccount.objects.active().of_kinds(kinds_of(able, field)).alias(picked=picked)
    return accounts.filter(Q(picked="") | Q(picked=GLAccount.identity_sql()), pk=OuterRef(field))


def trouble(field: str, account: GLAccount | None, picked: str, able: Capabilities) -> str:
    """Why a code with this account would not be exported, as the end of a sentence that begins with the account."""
    if account is None or not (kinds := kinds_of(able, field)):
        return ""
    if not account.is_active:
        return "is no longer active in the ERP"
    if account.kind not in kinds:
        return f"is of the type {account.get_kind_display()} in the ERP now"
    if picked in ("", account.identity):
        return ""
    kind, _, name = picked.partition(": ")
    was = name if kind == account.kind else f"{name} of the type {dict(GLAccount.KINDS)[kind]}"
    return f"was {was} when it was picked"


def advice(account: GLAccount, kinds: frozenset[AccountKind]) -> str:
    """What to do about an account in trouble."""
    return "Choose another." if account.flag(kinds) else "Keep it or choose another."
