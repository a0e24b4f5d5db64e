"""What every push adapter must do, as a test class to inherit; any ERP package may use it (it needs pytest).

    class TestTryton(PushConformance):
        @pytest.fixture(autouse=True)
        def _server(self, tryton): ...          # makes the ERP ready
        def adapter(self): ...                  # a new adapter instance, signed in rightly
        def wrong_adapter(self): ...            # one whose credentials the ERP refuses
        def items(self, code): ...              # what the ERP holds under this code, read without the adapter
        def make_item(self, code): ...          # the same item made by hand in the ERP: without our reference
        def archive_item(self, code): ...       # only if the ERP has archived items; else leave it out

The ERP may be shared by all tests: each makes codes of its own. For readable failures have your conftest.py say
`pytest.register_assert_rewrite("erp_integrations.conformance")`. An adapter that also updates its items: `update.py`;
one that is pulled: `pull.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import uuid4

import pytest

from erp_integrations.base import (
    AccountKind,
    Adapter,
    Capabilities,
    CodeData,
    Delivery,
    Exists,
    Exported,
    GLAccountData,
    Outcome,
    Receipt,
    Refused,
)
from erp_integrations.errors import ConfigurationError


@dataclass(frozen=True)
class Item:
    """An item as the ERP holds it; the accounts by remote id."""

    code: str
    description: str
    income_account: str | None
    expense_account: str | None


class Conformance:
    """What adapters of both deliveries must do; those that are pushed inherit from PushConformance."""

    delivery: ClassVar[Delivery]
    secrets: ClassVar[Sequence[str]] = ()  # what no error may ever show, of both adapters
    unknown_account: ClassVar[str] = "999999999"  # the remote id of no account
    has_archive: ClassVar[bool] = True

    def adapter(self) -> Adapter:
        raise NotImplementedError

    def items(self, code: str) -> list[Item]:
        raise NotImplementedError

    def make_item(self, code: CodeData) -> None:
        raise NotImplementedError

    def archive_item(self, code: str) -> None:
        raise NotImplementedError

    # How the ERP is spoken with

    def chart(self) -> list[GLAccountData]:
        raise NotImplementedError

    def find(self, *codes: CodeData) -> dict[str, Receipt]:
        raise NotImplementedError

    def send(self, *codes: CodeData) -> list[Outcome]:
        raise NotImplementedError

    # What the tests are made of

    def accounts(self, kinds: frozenset[AccountKind]) -> list[str]:
        """Remote ids of the active accounts of these kinds. Override to choose them."""
        return [account.remote_id for account in self.chart() if account.is_active and account.kind in kinds]

    def capabilities(self) -> Capabilities:
        adapter = self.adapter()
        return adapter.capabilities_with(adapter.options)

    def make_code(self, **values: str | None) -> CodeData:
        able, name = self.capabilities(), uuid4().hex[:6].upper()
        data = CodeData(
            reference=f"conformance-{name}",
            code=f"{name}-100",
            description=f"Concrete {name}",
            tiers=(f"{name}-100",) if able.has_tiers else (name, "100"),  # nothing above it that would have to be there
            income_account=self.accounts(able.income_kinds)[0],
            expense_account=self.accounts(able.expense_kinds)[0] if able.has_expense_account else None,
            request_key=uuid4().hex,
        )
        return replace(data, **values)  # type: ignore[arg-type]

    def export(self, *codes: CodeData) -> dict[str, Outcome]:
        outcomes = self.send(*codes)
        by_reference = {outcome.reference: outcome for outcome in outcomes}
        assert len(by_reference) == len(outcomes), "two outcomes for one code"
        assert set(by_reference) == {code.reference for code in codes}, "one outcome per code"
        return by_reference

    def export_one(self, code: CodeData) -> Outcome:
        return self.export(code)[code.reference]

    def holds(self, code: CodeData) -> bool:
        """Whether the ERP holds exactly one item of this code, with exactly these values."""
        return self.items(code.code) == [Item(code.code, code.description, code.income_account, code.expense_account)]

    # Statements

    def test_it_states_what_it_is_and_how_it_was_proven(self) -> None:
        adapter = self.adapter()

        assert adapter.key
        assert adapter.label
        assert adapter.delivery is self.delivery
        assert adapter.capabilities.item_type
        assert adapter.capabilities.proven_against
        assert adapter.capabilities.batch_size >= 1

    def test_its_form_names_secrets_that_are_fields(self) -> None:
        form = self.adapter().options_form()

        assert set(form.secret_fields) <= set(form.base_fields)  # type: ignore[attr-defined]

    def test_what_it_lists_are_the_items_that_it_has(self) -> None:
        if not self.adapter().capabilities.lists_items:
            return
        ours, theirs = self.make_code(), self.make_code()
        self.export(ours)
        self.make_item(theirs)

        listed = {item.code: item for item in self.adapter().fetch_items()}

        assert listed[ours.code].fits(ours)
        assert listed[theirs.code].fits(theirs)
        assert (listed[ours.code].is_ours, listed[theirs.code].is_ours) == (True, False)
        assert (listed[ours.code].owner, listed[theirs.code].owner) == (ours.reference, "")
        found = self.adapter().find([ours])[ours.reference]
        assert listed[ours.code].remote_id == found.remote_id

    def test_a_good_code_has_no_problems(self) -> None:
        assert self.adapter().validate(self.make_code()) == []

    def test_a_code_beyond_the_limits_is_told(self) -> None:
        able = self.capabilities()
        if able.code_limit:
            assert self.adapter().validate(self.make_code(code="1" * (able.code_limit + 1)))
        if able.description_limit:
            assert self.adapter().validate(self.make_code(description="x" * (able.description_limit + 1)))
        for character in able.forbidden_characters:
            bad = f"01{character}100"
            assert self.adapter().validate(replace(self.make_code(code=bad), tiers=(bad,)))
        assert self.adapter().validate(self.make_code(description=" "))

    # GL accounts

    def test_accounts_have_unique_ids_and_names(self) -> None:
        accounts = self.chart()

        assert accounts
        assert len({account.remote_id for account in accounts}) == len(accounts)
        assert all(account.remote_id and account.name for account in accounts)
        assert "" not in {account.number for account in accounts}, "an account without a number has None"

    def test_there_are_accounts_to_choose_from(self) -> None:
        able = self.capabilities()

        assert self.accounts(able.income_kinds)
        assert self.accounts(able.expense_kinds) or not able.has_expense_account

    # Finding

    def test_an_absent_code_is_not_found_and_not_made(self) -> None:
        code = self.make_code()

        assert self.find(code) == {}
        assert self.items(code.code) == []

    def test_finding_tells_ours_from_theirs(self) -> None:
        ours, theirs = self.make_code(), self.make_code()
        self.export(ours)
        self.make_item(theirs)

        found = self.find(ours, theirs)

        assert found[ours.reference].fits(ours)
        assert found[ours.reference].is_ours
        assert found[theirs.reference].fits(theirs)
        if self.capabilities().looks_up_by == "reference":
            assert not found[theirs.reference].is_ours
            owner = found[ours.reference].owner
            assert self.adapter().references_of([owner], [theirs.reference, ours.reference]) == {owner: ours.reference}
            assert not found[ours.reference].is_anothers
            assert not found[theirs.reference].is_anothers

    # Exporting

    def test_an_exported_code_is_in_the_erp_with_its_values(self) -> None:
        code = self.make_code()

        outcome = self.export_one(code)

        assert isinstance(outcome, Exported)
        assert outcome.receipt.remote_id
        assert outcome.receipt.is_ours
        assert outcome.receipt.fits(code)
        assert self.holds(code)

    def test_a_full_portion_is_exported_with_one_receipt_each(self) -> None:
        income = self.accounts(self.capabilities().income_kinds)
        template = self.make_code()
        codes = [
            replace(
                template,
                reference=f"{template.reference}-{n}",
                code=f"{template.code}{n:03}",
                tiers=(f"{template.code}{n:03}",),
                description=f"{template.description} {n}",
                income_account=income[n % len(income)],
            )
            for n in range(self.capabilities().batch_size)
        ]

        outcomes = self.export(*codes)

        receipts = {code.code: getattr(outcomes[code.reference], "receipt", None) for code in codes}
        assert all(isinstance(outcome, Exported) for outcome in outcomes.values())
        assert all(receipt and receipt.fits(code) for code, receipt in zip(codes, receipts.values(), strict=True))
        assert len({receipt.remote_id for receipt in receipts.values() if receipt}) == len(codes)
        assert all(self.holds(code) for code in codes[:3])

    def test_exporting_again_leaves_one_item(self) -> None:
        code = self.make_code()
        first = self.export_one(code)

        second = self.export_one(replace(code, request_key=uuid4().hex))

        assert isinstance(first, Exported)
        assert isinstance(second, Exported)
        assert second.receipt.remote_id == first.receipt.remote_id
        assert self.holds(code)

    def test_no_expense_account_means_none_in_the_erp(self) -> None:
        code = self.make_code(expense_account=None)

        outcome = self.export_one(code)

        assert isinstance(outcome, Exported)
        assert outcome.receipt.expense_account is None
        assert self.holds(code)

    def test_signs_and_accents_arrive_as_they_are(self) -> None:
        code = self.make_code(description="""Béton & "Acier" / Óxido \\ 2" <b>%s</b> 'x'""")

        assert isinstance(self.export_one(code), Exported)
        assert self.holds(code)

    # What is there already

    def test_an_item_that_someone_else_made_is_never_taken_over(self) -> None:
        code = self.make_code()
        self.make_item(replace(code, description="Made by hand"))

        outcome = self.export_one(code)

        assert isinstance(outcome, Exists)
        assert outcome.message.strip()
        assert outcome.receipt.description == "Made by hand"
        assert self.holds(replace(code, description="Made by hand"))

    def test_not_even_when_its_values_are_the_same(self) -> None:
        if self.capabilities().looks_up_by != "reference":
            return  # an ERP without a place for our reference cannot tell
        code = self.make_code()
        self.make_item(code)

        outcome = self.export_one(code)

        assert isinstance(outcome, Exists)
        assert not outcome.receipt.is_ours

    def test_an_item_of_another_code_of_ours_says_that_it_is_anothers(self) -> None:
        if self.capabilities().looks_up_by != "reference":
            return  # an ERP without a place for our reference cannot tell
        lost = self.make_code()
        self.export(lost)
        owner = self.find(lost)[lost.reference].owner
        anew = replace(lost, reference=f"{lost.reference}-anew", request_key=uuid4().hex)  # as after a restore

        found, outcome = self.find(anew)[anew.reference], self.export_one(anew)

        assert (found.is_ours, found.is_anothers, found.owner) == (False, True, owner)
        assert isinstance(outcome, Exists)
        assert outcome.receipt.is_anothers
        assert self.holds(lost)

    def test_ours_with_other_values_is_left_as_it_is(self) -> None:
        code = self.make_code()
        self.export(code)

        outcome = self.export_one(replace(code, description="Changed since"))

        assert isinstance(outcome, Exists)
        assert self.holds(code)

    def test_an_archived_item_is_found_and_not_made_again(self) -> None:
        if not self.has_archive:
            return
        code = self.make_code()
        self.export(code)
        self.archive_item(code.code)

        found = self.find(code)[code.reference]
        outcome = self.export_one(code)

        assert not found.is_active
        assert isinstance(outcome, Exists)
        assert not outcome.receipt.is_active

    # What is refused

    def test_a_refused_code_does_not_stop_the_others(self) -> None:
        codes = [self.make_code() for _ in range(min(4, self.capabilities().batch_size - 1))]
        bad = self.make_code(income_account=self.unknown_account)

        outcomes = self.export(*codes[:2], bad, *codes[2:])

        assert isinstance(outcomes[bad.reference], Refused)
        assert self.items(bad.code) == []
        assert all(isinstance(outcomes[code.reference], Exported) for code in codes)
        assert all(self.holds(code) for code in codes)

    def test_a_refusal_says_why_without_the_secrets(self) -> None:
        outcome = self.export_one(self.make_code(income_account=self.unknown_account))

        assert isinstance(outcome, Refused)
        assert outcome.message.strip()
        assert not any(secret in f"{outcome.message} {outcome.detail}" for secret in self.secrets)

    def test_a_code_that_was_refused_can_be_exported_once_it_is_mended(self) -> None:
        code = self.make_code()
        self.export(replace(code, income_account=self.unknown_account))

        assert isinstance(self.export_one(code), Exported)
        assert self.holds(code)


class PushConformance(Conformance):
    delivery = Delivery.PUSH
    company: ClassVar[str] = ""  # what `check` must find

    def wrong_adapter(self) -> Adapter:
        raise NotImplementedError

    def chart(self) -> list[GLAccountData]:
        return list(self.adapter().fetch_gl_accounts())

    def find(self, *codes: CodeData) -> dict[str, Receipt]:
        return self.adapter().find(codes)

    def send(self, *codes: CodeData) -> list[Outcome]:
        return self.adapter().export_codes(codes)

    # Connecting

    def test_check_tells_the_company_it_found(self) -> None:
        found = self.adapter().check()

        assert found.company
        assert self.company in str(found)

    def test_refused_credentials_are_a_configuration_error_without_the_secrets(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            self.wrong_adapter().check()

        error = caught.value
        assert error.message.strip()
        assert not any(secret in f"{error} {error.message} {error.detail}" for secret in self.secrets)

    # Nothing

    def test_asking_about_nothing_or_exporting_nothing_does_nothing(self) -> None:
        assert self.find() == {}
        assert self.send() == []
