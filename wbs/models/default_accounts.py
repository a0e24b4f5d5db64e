"""Accounts that codes get when they are sent, and how those of one code or of a whole list are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q

from companies.audit import record_changes
from core.bulk import PORTION, insert_each, listed, own_fields, update_each
from erp_integrations.base import ACCOUNT_FIELDS
from erp_integrations.models import Connection, GLAccount
from wbs.models.items import SegmentItem

_COLUMNS = [f"{field}_id" for field in ACCOUNT_FIELDS]


class DefaultAccounts(models.Model):
    """Accounts that a code, or all below a division, get when they are sent; null: inherited from above."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="default_accounts")
    item = models.ForeignKey(SegmentItem, on_delete=models.CASCADE, related_name="+")
    income_account = models.ForeignKey(GLAccount, on_delete=models.CASCADE, null=True, related_name="+")
    expense_account = models.ForeignKey(GLAccount, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "item"], name="one_default_per_item"),
            models.CheckConstraint(
                condition=Q(income_account__isnull=False) | Q(expense_account__isnull=False),
                name="default_says_something",
            ),
        ]

    def __str__(self) -> str:
        return told(self.income_account, self.expense_account)


Accounts = tuple[int | None, int | None]  # ids of income and expense account; None is inherited


def told(income: object, expense: object) -> str:
    """Default accounts in words; None is inherited."""
    return f"Income: {income or 'inherited'}; Expense: {expense or 'inherited'}"


def hold_default_accounts(connection: Connection) -> None:
    """Be the only one who sets this connection's default accounts, or moves its codes, until the transaction ends.

    Whoever locks rows of items, too, locks the connection first, as a click does that sends them: else two of them
    wait for each other.
    """
    Connection.objects.select_for_update(no_key=True).values_list("pk").get(pk=connection.pk)


@transaction.atomic
def keep_default_accounts(
    connection: Connection, wanted: Mapping[int, Mapping[str, int | None]], actor: AbstractBaseUser | None
) -> int:
    """Give codes and divisions their defaults, by the item's id, and return how many of them changed.

    Of each, those of ACCOUNT_FIELDS change that are named: to the account of this id, or to None, which is inherited.
    It takes as many statements for 5,000 items as for two. What is no cost code of this company is passed over.
    Raises ValueError for an account that is not the connection's.
    """
    hold_default_accounts(connection)
    changes = list(_changes(connection, wanted))
    if not changes:
        return 0
    words = _words(connection, changes)
    _write(connection, changes)
    about = f"{connection}: Default accounts of "
    events = ((connection.pk, about + change.code, change.was(words), change.becomes(words)) for change in changes)
    record_changes(connection.company, actor, "connection.changed", "connection", events)
    return len(changes)


@dataclass(frozen=True)
class _Change:
    """What becomes of the defaults of one item."""

    item_id: int
    code: str
    row_id: int | None  # of its row; None: it has none yet
    old: Accounts
    new: Accounts

    def was(self, words: Mapping[int, str]) -> str:
        return told(*(pk and words[pk] for pk in self.old)) if self.row_id else ""

    def becomes(self, words: Mapping[int, str]) -> str:
        return told(*(pk and words[pk] for pk in self.new))


def _changes(connection: Connection, wanted: Mapping[int, Mapping[str, int | None]]) -> Iterator[_Change]:
    """In the order of the codes; without those that would stay as they are."""
    ids = listed(list(wanted))
    rows = connection.default_accounts.select_for_update().filter(item__in=ids)
    held = {item_id: found for item_id, *found in rows.values_list("item_id", "pk", *_COLUMNS)}
    items = SegmentItem.objects.cost_codes().filter(company=connection.company_id, pk__in=ids)
    for item_id, code in items.values_list("pk", "full_code"):
        row_id, *old = held.get(item_id, (None, None, None))
        income, expense = (wanted[item_id].get(field, was) for field, was in zip(ACCOUNT_FIELDS, old, strict=True))
        if [income, expense] != old:
            yield _Change(item_id, code, row_id, (old[0], old[1]), (income, expense))


def _words(connection: Connection, changes: Sequence[_Change]) -> dict[int, str]:
    """How the accounts read that are had and wanted. Raises ValueError."""
    ids = {pk for change in changes for pk in (*change.old, *change.new) if pk}
    words = {account.pk: str(account) for account in connection.gl_accounts.filter(pk__in=listed(list(ids)))}
    if strange := sorted(ids - words.keys()):
        raise ValueError(f"{connection} has no account with the id {strange[0]}.")
    return words


def _write(connection: Connection, changes: Sequence[_Change]) -> None:
    new = [
        DefaultAccounts(connection=connection, item_id=change.item_id, **dict(zip(_COLUMNS, change.new, strict=True)))
        for change in changes
        if not change.row_id
    ]
    insert_each(new, own_fields(DefaultAccounts))
    kept = [change for change in changes if change.row_id and any(change.new)]
    values = [{"id": change.row_id, **dict(zip(_COLUMNS, change.new, strict=True))} for change in kept]
    for start in range(0, len(values), PORTION):
        update_each(DefaultAccounts, values[start : start + PORTION])
    gone = [change.row_id for change in changes if change.row_id and not any(change.new)]
    if gone:
        connection.default_accounts.filter(pk__in=listed(gone)).delete()
