"""An ERP that takes everything at once, with a chart of 400 accounts: what is left is Tieback's own time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from erp_integrations.adapters.practice.adapter import PracticeAdapter
from erp_integrations.base import INCOME_KINDS, AccountKind, CodeData, Exported, GLAccountData, Outcome, Receipt

WORDS = ["Residential", "Commercial", "Public Works", "Service", "Rental", "Change Order", "Warranty", "Fees"]


class InstantAdapter(PracticeAdapter):
    key = "instant"
    label = "Instant ERP"
    capabilities = replace(PracticeAdapter.capabilities, batch_size=100, income_kinds=INCOME_KINDS)

    def fetch_gl_accounts(self) -> Iterable[GLAccountData]:
        for n in range(400):
            kind, noun = (AccountKind.EXPENSE, "Cost") if n % 8 < 5 else (AccountKind.INCOME, "Sales")
            yield GLAccountData(str(n), str(4000 + n), f"{WORDS[n % 8]} {WORDS[n * 3 % 7]} {noun}", kind)

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return [Exported(code.reference, receipt_of(code)) for code in codes]


def receipt_of(code: CodeData) -> Receipt:
    accounts = (code.income_account, code.expense_account)
    return Receipt(code.reference, code.code, code.description, *accounts, is_ours=True)
