"""The Practice ERP: behaves like a strict ERP, failures included, so that people and tests can see every outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from django import forms
from django.db import transaction

from erp_integrations.adapters.practice.behaviour import WORDS, Behaviour, behaviours
from erp_integrations.adapters.practice.books import CODE_LIMIT, INCOME_KINDS, NAME_LIMIT, Books
from erp_integrations.adapters.practice.forms import PracticeOptions
from erp_integrations.adapters.practice.models import PracticeItem
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
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError

SLOW_S = 2
BUSY_S = 5
REFUSAL = "The Practice ERP was told to refuse it, by a word in its description or by the option Behaviour."


class PracticeAdapter(Adapter):
    key = "practice"
    label = "Practice ERP"
    note = (
        "For trying out: books of its own inside Tieback, as strict as a real ERP. Its option Behaviour makes it fail "
        f"as ERPs do; so does, for a single code, one of these words in its description: {', '.join(WORDS)}."
    )
    capabilities = Capabilities(
        item_type="Practice item",
        proven_against="itself: it is the ERP",
        batch_size=50,
        enforces_unique_names=True,
        lists_items=True,
        updates_items=True,
        looks_up_by="reference",
        code_limit=CODE_LIMIT,
        description_limit=NAME_LIMIT,
        has_expense_account=True,
        income_kinds=INCOME_KINDS,
        call_timeout_s=10,
        settle_s=1,
    )

    @classmethod
    def options_form(cls) -> type[forms.Form]:
        return PracticeOptions

    @property
    def behaviour(self) -> Behaviour:
        return Behaviour(self.options.get("behaviour", Behaviour.NORMAL))

    @property
    def books(self) -> Books:
        return Books(self.connection_id)

    def check(self) -> CheckResult:
        self._answer_the_call()
        return CheckResult("Practice Books", "Practice ERP 1.0")

    def fetch_gl_accounts(self) -> Iterable[GLAccountData]:
        self._answer_the_call()
        with call():
            self.books.open()
            return [
                GLAccountData(
                    str(account.pk), account.number, account.name, AccountKind(account.kind), account.is_active
                )
                for account in self.books.accounts()
            ]

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        self._answer_the_call()
        with call():
            return self._receipts(codes)

    def fetch_items(self) -> Iterable[Receipt]:
        self._answer_the_call()
        with call():
            return [receipt(item, is_ours=item.external_id is not None) for item in self.books.all_items()]

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return self._write(codes, self._add, self._receipts)

    def update_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return self._write(codes, self._change, self._receipts_by_id)

    def _write(
        self,
        codes: Sequence[CodeData],
        write: Callable[[Sequence[CodeData], Mapping[str, Behaviour]], dict[str, str]],
        read: Callable[[Sequence[CodeData]], dict[str, Receipt]],
    ) -> list[Outcome]:
        """One call that writes (giving the refusals by reference) and reads back, and its answer."""
        moods = behaviours(codes, self.behaviour)
        self._answer_the_call(moods.values())
        with call():
            refusals = write(codes, moods)
            receipts = read(codes)
        if Behaviour.SLOW in moods.values():
            time.sleep(SLOW_S)
        if self.behaviour is Behaviour.NO_ANSWER:
            raise UncertainError("The Practice ERP did not answer.", "told to take the codes and not to answer")
        answered = codes[: len(codes) // 2] if self.behaviour is Behaviour.PARTIAL else codes
        return [
            outcome(code, moods[code.reference], receipts.get(code.reference), refusals.get(code.reference, ""))
            for code in answered
        ]

    def _answer_the_call(self, moods: Iterable[Behaviour] = ()) -> None:
        """Fail before anything is done, where this ERP is told to."""
        if self.behaviour is Behaviour.DOWN:
            raise TransientError("The Practice ERP cannot be reached.", "told to be down")
        if self.behaviour is Behaviour.WRONG_CREDENTIALS:
            raise ConfigurationError("The Practice ERP does not accept the credentials. Change them in Settings.")
        if Behaviour.BUG in {self.behaviour, *moods}:
            raise RuntimeError("The Practice ERP was told to fail in an unforeseen way.")

    def _add(self, codes: Sequence[CodeData], moods: Mapping[str, Behaviour]) -> dict[str, str]:
        there_already = [code for code in codes if moods[code.reference] is Behaviour.EXISTS]
        return {
            **told_to_refuse(codes, moods),
            **self.books.add(there_already, by_hand=True),
            **self.books.add(taken(codes, moods)),
        }

    def _change(self, codes: Sequence[CodeData], moods: Mapping[str, Behaviour]) -> dict[str, str]:
        return {**told_to_refuse(codes, moods), **self.books.change(taken(codes, moods))}

    def _receipts(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        held = self.books.items(codes)
        return {reference: receipt(item, is_ours=item.external_id == reference) for reference, item in held.items()}

    def _receipts_by_id(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        held = self.books.items_by_id(codes)
        return {reference: receipt(item, is_ours=item.external_id == reference) for reference, item in held.items()}


def call() -> transaction.Atomic:
    """One call is one transaction of the ERP's own; Django raises if a caller holds one open across it."""
    return transaction.atomic(durable=True)


def taken(codes: Sequence[CodeData], moods: Mapping[str, Behaviour]) -> list[CodeData]:
    left = {Behaviour.BUSY, Behaviour.REFUSE, Behaviour.EXISTS}
    return [code for code in codes if moods[code.reference] not in left]


def told_to_refuse(codes: Sequence[CodeData], moods: Mapping[str, Behaviour]) -> dict[str, str]:
    return {code.reference: REFUSAL for code in codes if moods[code.reference] is Behaviour.REFUSE}


def receipt(item: PracticeItem, is_ours: bool) -> Receipt:
    return Receipt(
        remote_id=str(item.pk),
        code=item.code,
        description=item.name,
        income_account=str(item.income_account_id),
        expense_account=str(item.expense_account_id) if item.expense_account_id else None,
        is_ours=is_ours,
        is_active=item.is_active,
        owner=item.external_id or "",
    )


def outcome(code: CodeData, mood: Behaviour, held: Receipt | None, refusal: str) -> Outcome:
    if mood is Behaviour.BUSY:
        return NotSent(code.reference, "The Practice ERP is busy.", retry_after_s=BUSY_S)
    is_update = bool(code.remote_id)
    if held is None or (is_update and refusal):
        return Refused(code.reference, refusal, f"PRACTICE-422 {code.code}")
    if mood is Behaviour.UNCERTAIN:
        return Uncertain(code.reference, "The Practice ERP was not sure that it kept this code.")
    if (held.is_ours or is_update) and held.fits(code):
        return Exported(code.reference, held)
    return Exists(code.reference, held, _why_it_stays(code, held))


def _why_it_stays(code: CodeData, held: Receipt) -> str:
    if not held.is_active:
        return f"{code.code} is in the Practice ERP, but inactive there."
    if code.remote_id and held.code != code.code:
        return f"The item of {code.code} is {held.code} in the Practice ERP by now."
    if held.is_ours or code.remote_id:
        return f"{code.code} is in the Practice ERP with other values."
    return f"{code.code} is already in the Practice ERP; it did not come from here."
