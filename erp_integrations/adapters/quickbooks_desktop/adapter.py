"""QuickBooks Desktop through the Web Connector: a cost code becomes an item of type Service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erp_integrations.adapters.quickbooks_desktop import answers, greeting, payload, rules, status_codes
from erp_integrations.adapters.quickbooks_desktop.forms import CODES_PER_MESSAGE, ItemNames, QuickBooksDesktopForm
from erp_integrations.base import (
    EXPENSE_KINDS,
    INCOME_KINDS,
    Capabilities,
    CodeData,
    GLAccountData,
    Outcome,
    Receipt,
)
from erp_integrations.errors import ERPError
from erp_integrations.pull import Books, PullAdapter

if TYPE_CHECKING:
    from django.forms import Form


class QuickBooksDesktopAdapter(PullAdapter):
    key = "quickbooks-desktop"
    label = "QuickBooks Desktop"
    owner_id = str(greeting.OWNER_ID)
    note = (
        "Needs QuickBooks Desktop 2014 or later, and Intuit's Web Connector on the Windows computer that opens the "
        "company file: it fetches the codes when it calls. One connection serves one company file. Items are named "
        "by the full code or, with Tiers as sub-items, by each tier: at most 31 characters each, 5 levels. Classes are "
        "not set. Without an expense account QuickBooks posts purchases of an item to its income account too."
    )
    capabilities = Capabilities(
        item_type="Service item",
        proven_against="Intuit's public qbXML 13.0 and an in-memory QuickBooks of our tests; not yet a real QuickBooks",
        batch_size=CODES_PER_MESSAGE,
        enforces_unique_names=True,
        looks_up_by="reference",
        code_limit=rules.NAME_LIMIT,
        description_limit=4095,
        forbidden_characters=":",
        has_expense_account=True,
        income_takes_purchases=True,
        income_kinds=INCOME_KINDS | EXPENSE_KINDS,
        expense_kinds=EXPENSE_KINDS,
        call_timeout_s=1800,  # how long a session of the Web Connector may be idle before its ticket ends
        settle_s=0,  # it does one thing after the other: when it calls again, it is done with what it had
    )

    @classmethod
    def capabilities_with(cls, options: Mapping[str, Any]) -> Capabilities:
        able = replace(cls.capabilities, batch_size=int(options.get("codes_per_message", CODES_PER_MESSAGE)))
        if options.get("item_names") == ItemNames.TIERS:
            return replace(able, has_tiers=True, code_limit=rules.FULL_CODE_LIMIT)
        return able

    @classmethod
    def options_form(cls) -> type[Form]:
        return QuickBooksDesktopForm

    @property
    def has_tiers(self) -> bool:
        return self.able.has_tiers

    def validate(self, code: CodeData) -> list[str]:
        problems = [*super().validate(code), *rules.name_problems(code.names(self.has_tiers))]
        if self.has_tiers:
            problems += rules.tier_problems(code.tiers)
        elif len(code.code) > rules.FULL_CODE_LIMIT:
            problems.append(_beyond_the_report(code))
        problems += rules.text_problems("code", code.code)
        problems += rules.text_problems("description", code.description)
        problems += rules.blank_problems(code.description)
        return problems

    def too_long(self, code: CodeData, limit: int) -> str:
        if self.has_tiers:
            return _beyond_the_report(code)
        sentence = f"QuickBooks allows {limit} characters for an item name; this code has {len(code.code)}. Shorten it"
        if len(code.tiers) > 1 and max(map(len, code.tiers)) <= limit:
            return f"{sentence}, or choose “{ItemNames.TIERS.label}” in Settings."
        return f"{sentence}."

    def read_greeting(self, text: str) -> Books:
        return greeting.read(text)

    @classmethod
    def references_of(cls, owners: Collection[str], references: Iterable[str]) -> dict[str, str]:
        made = {str(payload.guid_of_reference(reference)): reference for reference in references}
        return {owner: made[owner] for owner in owners if owner in made}

    def accounts_message(self) -> str:
        return payload.message(payload.account_query())

    def read_accounts(self, answer: str) -> list[GLAccountData]:
        return answers.accounts(answers.require_answers(answer, "AccountQueryRs"), self.remarks)

    def find_message(self, codes: Sequence[CodeData]) -> str:
        return payload.message(*payload.item_queries(codes, self.has_tiers))

    def read_found(self, codes: Sequence[CodeData], answer: str) -> dict[str, Receipt]:
        held = answers.items(answers.require_answers(answer, "ItemQueryRs", count=2), self.remarks)
        return answers.receipts(codes, held, self.has_tiers)

    def export_message(self, codes: Sequence[CodeData], key: str, done_key: str = "") -> str:
        adds = [payload.item_add(code, self.has_tiers) for code in self._parents_first(codes)]
        names = {"newMessageSetID": key} | ({"oldMessageSetID": done_key} if done_key else {})
        return payload.message(*adds, **names)

    def read_outcomes(self, codes: Sequence[CodeData], answer: str) -> list[Outcome]:
        return answers.outcomes(self._parents_first(codes), answer, self.has_tiers)

    def connector_error(self, code: str, message: str) -> ERPError:
        return status_codes.connector_error(code, message)

    def _parents_first(self, codes: Sequence[CodeData]) -> list[CodeData]:
        return sorted(codes, key=lambda code: len(code.names(self.has_tiers)))


def _beyond_the_report(code: CodeData) -> str:
    return (
        f"QuickBooks' Transaction Detail report shows {rules.FULL_CODE_LIMIT} characters of a full code; "
        f"this one has {len(code.code)}. Shorten it."
    )
