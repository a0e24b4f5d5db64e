"""A code beside the item that its ERP holds: what differs, and what an update would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from erp_integrations.base import ACCOUNT_FIELDS, kinds_of
from erp_integrations.models import GLAccount
from exports.models import CodeExport, Drift
from exports.pages.accounts import Held


def _accounts_there(export: CodeExport, receipt: dict[str, Any]) -> dict[str, GLAccount]:
    """The accounts of the ERP's item, by remote id."""
    remote_ids = [receipt["income_account"], receipt["expense_account"]]
    return {account.remote_id: account for account in export.connection.gl_accounts.filter(remote_id__in=remote_ids)}


def _tells_values(receipt: dict[str, Any]) -> bool:
    """Whether the ERP told more of its item than that it exists (`Receipt.description`)."""
    return receipt["description"] is not None


def _name_there(receipt: dict[str, Any], field: str, there: dict[str, GLAccount]) -> str:
    """An account of the ERP's item as a page shows it."""
    return str(there.get(receipt[field], receipt[field] or "none")) if _tells_values(receipt) else "not known"


@dataclass(frozen=True)
class Update:
    """What an update of a synced code would change in the ERP: the values there, and the accounts to choose first."""

    description: str | None  # in the ERP now, as the next two; None: not known
    income_there: str
    expense_there: str
    income: Held | None
    expense: Held | None
    has_expense: bool
    is_due: bool  # something differs: here since the export, or in the ERP

    @classmethod
    def of(cls, export: CodeExport) -> Update | None:
        """None where the ERP's item is not known."""
        if not (receipt := export.erp_values or export.receipt):
            return None
        there = _accounts_there(export, receipt)
        own = (export.income_account, export.expense_account)
        if own[0] is None:  # linked before it had any: the ERP's own come first
            own = (there.get(receipt["income_account"]), there.get(receipt["expense_account"]))
        able = export.connection.capabilities
        kinds = [kinds_of(able, field) for field in ACCOUNT_FIELDS]
        income, expense = (Held.alone(it, fit) if it else None for it, fit in zip(own, kinds, strict=True))
        return cls(
            description=receipt["description"],
            income_there=_name_there(receipt, "income_account", there),
            expense_there=_name_there(receipt, "expense_account", there),
            income=income,
            expense=expense,
            has_expense=able.has_expense_account,
            is_due=export.drift == Drift.CHANGED or export.item.version != export.item_version,
        )


@dataclass(frozen=True)
class Difference:
    """One value of a code, here and in the ERP."""

    label: str
    ours: str
    theirs: str


def comparison(export: CodeExport) -> list[Difference]:
    """What the ERP held when it was last read, as far as it told, beside ours; empty when it was never read."""
    receipt = export.erp_values or export.receipt
    if not receipt:
        return []
    code = Difference("Cost Code", export.code, receipt["code"])
    if not _tells_values(receipt):
        return [code]
    there = _accounts_there(export, receipt)
    income, expense = (_name_there(receipt, field, there) for field in ACCOUNT_FIELDS)
    return [
        code,
        Difference("Description", export.description, receipt["description"]),
        Difference("General Ledger Account - Income", str(export.income_account or "none"), income),
        Difference("General Ledger Account - Expense (Optional)", str(export.expense_account or "none"), expense),
    ]
