"""The accounts of a connection as lists name them, read from the database in one query."""

from __future__ import annotations

from erp_integrations.base import ACCOUNT_FIELDS, AccountKind, kinds_of
from erp_integrations.models import Connection, GLAccount
from wbs.lists.accounts import Account, Chart


def chart_of(connection: Connection) -> Chart:
    """Everything that a cell of a list may mean at this connection, inactive accounts included."""
    able = connection.capabilities
    income, expense = (kinds_of(able, field) for field in ACCOUNT_FIELDS)
    words = dict(GLAccount.KINDS)
    accounts = [
        Account(
            account.pk,
            account.number,
            account.name,
            label=str(account),
            kind=account.kind,
            kind_label=words[account.kind],
            parent=account.parent,
            is_active=account.is_active,
            fits_income=account.kind in income,
            fits_expense=account.kind in expense,
        )
        for account in connection.gl_accounts.all()
    ]
    kinds = zip(ACCOUNT_FIELDS, (income, expense), strict=True)
    return Chart(connection.name, accounts, {field: _named(allowed) for field, allowed in kinds})


def _named(kinds: frozenset[AccountKind]) -> list[str]:
    """As people call them, in the order of a chart."""
    return [words for kind, words in GLAccount.KINDS if kind in kinds]
