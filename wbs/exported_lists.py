"""A list of codes as it is exported: what each column says, in texts, so that it imports again as it is."""

from __future__ import annotations

from dataclasses import dataclass

from core.bulk import listed
from erp_integrations.base import ACCOUNT_FIELDS, kinds_of
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection, GLAccount
from wbs.models import DefaultAccounts, Segment

ACCOUNTS = {"income_account": "Income Account", "expense_account": "Expense Account"}  # the columns, by field


@dataclass(frozen=True)
class Table:
    heading: list[str]
    rows: list[list[str]]


def table_of(segment: Segment, *, has_accounts: bool) -> Table:
    """All items of the segment, in as many queries however many there are.

    The column `status` is there only when an item is inactive, `has_accounts` adds those of default accounts where a
    connection has some: else the plain two columns say everything.
    """
    items = list(segment.items.values_list("pk", "full_code", "description", "is_active"))
    has_inactive = not all(is_active for *_, is_active in items)
    accounts = _account_columns(segment) if has_accounts and segment.goes_to_erp else []
    heading = ["code", "description", *["status"] * has_inactive, *(name for name, _ in accounts)]
    rows = [
        [
            *(code, description),
            *["Active" if is_active else "Inactive"] * has_inactive,
            *(labels.get(pk, "") for _, labels in accounts),
        ]
        for pk, code, description, is_active in items
    ]
    return Table(heading, rows)


def _account_columns(segment: Segment) -> list[tuple[str, dict[int, str]]]:
    """A heading and, by id of the item, its own default account in full, for each account that codes have at an ERP."""
    defaults = DefaultAccounts.objects.filter(item__segment=segment)
    columns = [f"{field}_id" for field in ACCOUNT_FIELDS]
    rows = list(defaults.values_list("connection_id", "item_id", *columns))
    if not rows:
        return []
    wanted = {pk for _, _, *pks in rows for pk in pks if pk}
    words = {account.pk: str(account) for account in GLAccount.objects.filter(pk__in=listed(list(wanted)))}
    connections = Connection.objects.defer("credentials").filter(pk__in={row[0] for row in rows})
    return [
        (
            f"{ACCOUNTS[field]} ({erp})" if len(connections) > 1 else ACCOUNTS[field],
            {item: words[pks[place]] for erp_id, item, *pks in rows if erp_id == erp.pk and pks[place]},
        )
        for erp in connections
        for place, field in enumerate(ACCOUNT_FIELDS)
        if _has(erp, field)
    ]


def _has(erp: Connection, field: str) -> bool:
    """Whether the ERP has such an account; so it seems where its integration is not installed."""
    try:
        return bool(kinds_of(erp.capabilities, field))
    except ConfigurationError:
        return True
