"""What every adapter that is pulled must do, as a test class to inherit; any ERP package may use it (it needs pytest).

    class TestQuickBooks(PullConformance):
        def adapter(self): ...                  # a new adapter instance
        def run(self, message): ...             # what the ERP answers to this message
        def greeting(self): ...                 # what its connector says first
        def items(self, code): ...              # what the ERP holds under this code, read without the adapter
        def make_item(self, code): ...          # the same item made by hand in the ERP: without our reference
        def make_other_item(self, code): ...    # one of a type that codes do not become; only if the ERP has types
        def archive_item(self, code): ...       # only if the ERP has archived items; else `has_archive = False`

For readable failures have your conftest.py call `pytest.register_assert_rewrite("erp_integrations.conformance")`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar
from uuid import uuid4

import pytest

from erp_integrations.base import CodeData, Delivery, Exists, Exported, GLAccountData, Outcome, Receipt, Uncertain
from erp_integrations.conformance.push import Conformance
from erp_integrations.errors import ERPError, UncertainError
from erp_integrations.pull import PullAdapter

NO_ANSWERS = (
    "",
    " ",
    "no answer",
    "<",
    "\0",
    "{}",
    "[]",
    "<a></a>",
    "<a>",
    "\ud800",
    "<html><body>Error</body></html>",
)
BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]>'
THEFT = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


class PullConformance(Conformance):
    """The tests of both deliveries are asked as Tieback asks: what a message leaves in doubt is looked up."""

    delivery = Delivery.PULL
    has_types: ClassVar[bool] = True  # are there items of types that codes do not become?

    def adapter(self) -> PullAdapter:
        raise NotImplementedError

    def run(self, message: str) -> str:
        raise NotImplementedError

    def greeting(self) -> str:
        raise NotImplementedError

    def make_other_item(self, code: CodeData) -> None:
        raise NotImplementedError

    def chart(self) -> list[GLAccountData]:
        adapter = self.adapter()
        return adapter.read_accounts(self.run(adapter.accounts_message()))

    def find(self, *codes: CodeData) -> dict[str, Receipt]:
        return self.adapter().read_found(codes, self.run(self.adapter().find_message(codes)))

    def send(self, *codes: CodeData) -> list[Outcome]:
        told = {outcome.reference: outcome for outcome in self.send_once(*codes)}
        doubtful = [code for code in codes if isinstance(told.get(code.reference), Uncertain | None)]
        found = self.find(*doubtful) if doubtful else {}
        told |= {code.reference: _found(code, found[code.reference]) for code in doubtful if code.reference in found}
        return list(told.values())

    def send_once(self, *codes: CodeData, key: str = "") -> list[Outcome]:
        answer = self.run(self.adapter().export_message(codes, key or new_key()))
        return self.adapter().read_outcomes(codes, answer)

    # The connector's first words

    def test_the_greeting_tells_the_books(self) -> None:
        books = self.adapter().read_greeting(self.greeting())

        assert books.company
        assert books.version

    # The messages

    def test_messages_do_not_change_from_one_time_to_the_next(self) -> None:
        """What is handed out again must be the same: ERPs compare."""
        code, key = self.make_code(), new_key()

        assert self.adapter().export_message([code], key) == self.adapter().export_message([code], key)
        assert self.adapter().find_message([code]) == self.adapter().find_message([code])

    def test_a_message_fetched_twice_under_one_key_is_run_once(self) -> None:
        code, key = self.make_code(), new_key()
        message = self.adapter().export_message([code], key)

        first, second = self.run(message), self.run(message)

        [outcome] = self.adapter().read_outcomes([code], first)
        assert isinstance(outcome, Exported)
        assert self.adapter().read_outcomes([code], second) == [outcome]
        assert self.holds(code)

    def test_a_message_may_let_the_erp_forget_an_earlier_one(self) -> None:
        first, second, done = self.make_code(), self.make_code(), new_key()
        self.send_once(first, key=done)

        answers = [self.run(self.adapter().export_message([second], new_key(), old)) for old in (done, new_key())]

        [outcome] = self.adapter().read_outcomes([second], answers[0])
        assert isinstance(outcome, Exported)
        assert not isinstance(self.adapter().read_outcomes([second], answers[1])[0], Exported)
        assert self.holds(first)
        assert self.holds(second)

    def test_a_code_that_the_erp_has_already_is_no_success_of_the_message(self) -> None:
        code = self.make_code()
        self.make_item(code)

        [outcome] = self.send_once(code)

        assert isinstance(outcome, Exists | Uncertain)

    # Finding

    def test_as_many_codes_are_found_as_it_says(self) -> None:
        template, able = self.make_code(), self.adapter().look_up_size
        codes = [
            replace(template, reference=f"{template.reference}-{n}", code=f"{template.code}{n}", tiers=(f"{n}",))
            for n in range(able - 1)
        ]
        here = self.make_code()
        self.export(here)

        assert set(self.find(here, *codes)) == {here.reference}

    def test_an_item_of_another_type_is_found_with_the_reason_why_it_cannot_be_linked(self) -> None:
        if not self.has_types:
            return
        code = self.make_code()
        self.make_other_item(code)

        found = self.find(code)[code.reference]

        assert found.obstacle.strip()
        assert not found.is_ours
        assert isinstance(self.export_one(code), Exists)

    def test_an_archived_item_of_someone_else_is_found(self) -> None:
        if not self.has_archive:
            return
        code = self.make_code()
        self.make_item(code)
        self.archive_item(code.code)

        found = self.find(code)[code.reference]

        assert not found.is_active
        assert not found.is_ours

    # Tiers

    def test_parents_are_made_before_their_children(self) -> None:
        if not self.capabilities().has_tiers:
            return
        parent, child, name = self.make_code(), self.make_code(), uuid4().hex[:6].upper()
        parent = replace(parent, code=name, tiers=(name,))
        child = replace(child, code=f"{name}-100", tiers=(name, "100"))

        outcomes = self.export(child, parent)

        assert isinstance(outcomes[parent.reference], Exported)
        assert isinstance(outcomes[child.reference], Exported)
        assert self.find(child)[child.reference].fits(child)

    def test_a_child_whose_parent_is_not_there_is_not_made(self) -> None:
        if not self.capabilities().has_tiers:
            return
        name = uuid4().hex[:6].upper()
        child = replace(self.make_code(), code=f"{name}-100", tiers=(name, "100"))

        outcome = self.export_one(child)

        assert not isinstance(outcome, Exported | Exists)
        assert self.find(child) == {}

    # Answers that cannot be read

    @pytest.mark.parametrize("answer", NO_ANSWERS)
    def test_what_is_no_answer_is_uncertain(self, answer: str) -> None:
        for read in self._readers():
            with pytest.raises(UncertainError):
                read(answer)

    def test_an_answer_that_is_cut_short_is_uncertain_wherever_it_ends(self) -> None:
        for read, answer in zip(self._readers(), self._answers(), strict=True):
            whole = answer.rstrip()
            for end in {1, len(whole) // 4, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 1}:
                with pytest.raises(UncertainError):
                    read(whole[:end])

    @pytest.mark.parametrize("start", [BOMB, THEFT, '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/">'])
    def test_xml_that_brings_a_document_type_is_refused(self, start: str) -> None:
        for read, answer in zip(self._readers(), self._answers(), strict=True):
            root = answer.rfind("<?") if "<?" in answer else 0
            at = answer.find(">", root) + 1 if "<?" in answer else 0
            with pytest.raises(UncertainError):
                read(answer[:at] + start + answer[at:])

    def test_an_answer_to_another_question_is_no_success(self) -> None:
        code = self.make_code()
        answer = self.run(self.adapter().accounts_message())

        with pytest.raises(UncertainError):
            self.adapter().read_found([code], answer)
        with suppress(ERPError):
            assert self.adapter().read_outcomes([code], answer) == []

    def test_an_error_of_the_connector_is_an_error_of_ours(self) -> None:
        for code, words in (("0x80040401", "Could not access"), ("", ""), ("nonsense", "<b>"), ("-1", "x" * 5000)):
            error = self.adapter().connector_error(code, words)

            assert isinstance(error, ERPError)
            assert error.message.strip()

    def _readers(self) -> Sequence[Callable[[str], object]]:
        adapter, code = self.adapter(), self.make_code()
        return (
            adapter.read_greeting,
            adapter.read_accounts,
            lambda answer: adapter.read_found([code], answer),
            lambda answer: adapter.read_outcomes([code], answer),
        )

    def _answers(self) -> Sequence[str]:
        adapter, code = self.adapter(), self.make_code()
        messages = (adapter.accounts_message(), adapter.find_message([code]), adapter.export_message([code], new_key()))
        return (self.greeting(), *map(self.run, messages))


def new_key() -> str:
    """The name of a message, as Tieback makes it: 22 characters."""
    return secrets.token_urlsafe(16)


def _found(code: CodeData, receipt: Receipt) -> Outcome:
    if receipt.is_ours and receipt.fits(code):
        return Exported(code.reference, receipt)
    return Exists(code.reference, receipt, "It is in the ERP already.")
