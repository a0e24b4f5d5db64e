"""What a push adapter that `updates_items` must do beyond `conformance.py`, as a test class to inherit."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from erp_integrations.base import CodeData, Exists, Exported, Outcome, Refused
from erp_integrations.conformance.push import PushConformance


class UpdateConformance(PushConformance):
    def update(self, *codes: CodeData) -> dict[str, Outcome]:
        outcomes = self.adapter().update_codes(codes)
        assert [outcome.reference for outcome in outcomes] == [code.reference for code in codes]
        return {outcome.reference: outcome for outcome in outcomes}

    def update_one(self, code: CodeData) -> Outcome:
        return self.update(code)[code.reference]

    def make_synced(self, **values: str | None) -> CodeData:
        """A code that the ERP has, with the id of its item."""
        code = self.make_code(**values)
        outcome = self.export_one(code)
        assert isinstance(outcome, Exported)
        return replace(code, remote_id=outcome.receipt.remote_id)

    def changed(self, code: CodeData) -> CodeData:
        """The code with another description and other accounts."""
        able = self.capabilities()
        expense = self.accounts(able.expense_kinds)[1] if able.has_expense_account else None
        income = self.accounts(able.income_kinds)[1]
        return replace(code, description="Renamed since", income_account=income, expense_account=expense)

    def test_an_update_gives_the_item_its_new_values(self) -> None:
        code, other = self.make_synced(), self.make_synced()
        changed = self.changed(code)

        outcome = self.update_one(changed)

        assert isinstance(outcome, Exported)
        assert outcome.receipt.remote_id == code.remote_id
        assert outcome.receipt.is_ours
        assert outcome.receipt.fits(changed)
        assert self.holds(changed)
        assert self.holds(other), "another item of the same accounts is as it was"
        assert self.find(changed)[code.reference].fits(changed)

    def test_updating_twice_is_harmless(self) -> None:
        changed = self.changed(self.make_synced())
        self.update(changed)

        assert isinstance(self.update_one(replace(changed, request_key=uuid4().hex)), Exported)
        assert self.holds(changed)

    def test_a_full_portion_is_updated(self) -> None:
        template = self.make_code()
        codes = [
            replace(template, reference=f"{template.reference}-{n}", code=f"{template.code}{n:03}")
            for n in range(self.capabilities().batch_size)
        ]
        ids = {
            name: outcome.receipt.remote_id
            for name, outcome in self.export(*codes).items()
            if isinstance(outcome, Exported)
        }
        changed = [self.changed(replace(code, remote_id=ids[code.reference])) for code in codes]

        outcomes = self.update(*changed)

        assert all(isinstance(outcome, Exported) for outcome in outcomes.values())
        assert all(self.holds(code) for code in (changed[0], changed[-1]))

    def test_an_update_can_take_the_expense_account_away(self) -> None:
        code = replace(self.make_synced(), expense_account=None)

        assert isinstance(self.update_one(code), Exported)
        assert self.holds(code)

    def test_an_item_that_was_linked_is_updated_by_its_id(self) -> None:
        code = self.make_code()
        self.make_item(code)
        changed = self.changed(replace(code, remote_id=self.find(code)[code.reference].remote_id))

        assert isinstance(self.update_one(changed), Exported)
        assert self.holds(changed)

    def test_an_item_that_is_gone_is_not_made_again(self) -> None:
        code = self.make_code(remote_id="999999999")

        outcome = self.update_one(code)

        assert isinstance(outcome, Refused)
        assert outcome.message.strip()
        assert self.items(code.code) == []

    def test_an_item_of_another_code_is_left_as_it_is(self) -> None:
        code = self.make_synced()

        outcome = self.update_one(replace(self.changed(code), code=f"{code.code}X"))

        assert isinstance(outcome, Exists)
        assert outcome.message.strip()
        assert self.holds(code)

    def test_an_archived_item_is_not_updated(self) -> None:
        if not self.has_archive:
            return
        code = self.make_synced()
        self.archive_item(code.code)

        outcome = self.update_one(self.changed(code))

        assert isinstance(outcome, Exists)
        assert not outcome.receipt.is_active
        assert outcome.receipt.description == code.description

    def test_a_refused_update_leaves_its_item_and_stops_no_other(self) -> None:
        good, bad = self.make_synced(), self.make_synced()

        outcomes = self.update(replace(bad, income_account=self.unknown_account), self.changed(good))

        assert isinstance(outcomes[bad.reference], Refused)
        assert isinstance(outcomes[good.reference], Exported)
        assert self.holds(bad)
        assert self.holds(self.changed(good))

    def test_it_says_that_it_updates_and_updating_nothing_does_nothing(self) -> None:
        assert self.capabilities().updates_items
        assert self.update() == {}
