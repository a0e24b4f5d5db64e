"""The Tryton adapter against real Tryton servers; what stands in the books is read back without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from erp_integrations.adapters.tryton.adapter import TrytonAdapter
from erp_integrations.base import AccountKind, CodeData, Exists, Exported, Outcome, Refused
from erp_integrations.conformance import Item, UpdateConformance
from erp_integrations.errors import ConfigurationError, TransientError
from tests.servers.tryton import COMPANY, PASSWORD, Tryton70Server, TrytonServer

pytestmark = pytest.mark.once

RIGHTS = ("Account Product Administration",)


class WithTryton:
    server_class: ClassVar[type[TrytonServer]] = TrytonServer
    server: ClassVar[TrytonServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        with cls.server_class() as cls.server:
            yield

    def adapter(self, **options: str) -> TrytonAdapter:
        return TrytonAdapter(1, {**self.server.options, **options}, self.server.credentials)

    def make_code(self, code: str, **values: str | None) -> CodeData:
        accounts = {
            "income_account": self.account("4000"),
            "expense_account": self.account("5000"),
        }
        return CodeData(
            **{"reference": f"1-{code}", "code": code, "description": f"About {code}", **accounts, **values}
        )

    def account(self, number: str) -> str:
        return str(self.server.accounts[number])

    def export_one(self, code: CodeData) -> Outcome:
        (outcome,) = self.adapter().export_codes([code])
        return outcome


class TestTrytonConforms(WithTryton, UpdateConformance):
    secrets = (PASSWORD, "wrong-Secret-1")
    company = COMPANY
    make_code = UpdateConformance.make_code  # type: ignore[assignment]
    export_one = UpdateConformance.export_one  # type: ignore[assignment]

    def wrong_adapter(self) -> TrytonAdapter:
        """Of a user that is not there: repeated wrong passwords would lock out a real one."""
        return TrytonAdapter(1, {**self.server.options, "username": "nobody"}, {"password": "wrong-Secret-1"})

    def items(self, code: str) -> list[Item]:
        held = self.server.items().get(code)
        if held is None:
            return []
        name, income, expense = held
        return [Item(code, name, income and self.account(income), expense and self.account(expense))]

    def make_item(self, code: CodeData) -> None:
        numbers = {str(account): number for number, account in self.server.accounts.items()} | {None: None}
        self.server.make_item(code.code, code.description, numbers[code.income_account], numbers[code.expense_account])

    def archive_item(self, code: str) -> None:
        self.server.archive_item(code)

    def accounts(self, kinds: frozenset[AccountKind]) -> list[str]:
        """Some of the chart, without asking Tryton again for each code."""
        numbers = ("4000", "4010", "4020") if AccountKind.INCOME in kinds else ("5000", "5010", "5020")
        return [self.account(number) for number in numbers]


class TestTryton(WithTryton):
    told_version = "8.2"
    calls_per_portion = 7  # sign-in, company, find, categories, unit, create, find

    # Connecting

    def test_check_names_company_and_version(self) -> None:
        assert str(self.adapter().check()) == f"Connected to {COMPANY} (Tryton {self.told_version})"

    def test_the_company_may_be_given_by_number(self) -> None:
        assert self.adapter(company="1").check().company == COMPANY

    @pytest.mark.parametrize("company", ["Nobody & Sons", "77"])
    def test_an_unknown_company_is_told(self, company: str) -> None:
        with pytest.raises(ConfigurationError, match=f"no company “{company}”"):
            self.adapter(company=company).check()

    def test_a_company_that_the_user_may_not_work_for_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="may not work for this company"):
            self.adapter(company="Other Books Ltd").check()

    def test_an_unknown_database_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="no Tryton database “nodb”"):
            self.adapter(database="nodb").check()

    def test_a_wrong_password_is_told(self) -> None:
        self.server.make_user("once", "right-Secret-5", RIGHTS)
        options = {**self.server.options, "username": "once"}

        with pytest.raises(ConfigurationError, match="refuses this username or password"):
            TrytonAdapter(1, options, {"password": "wrong-Secret-5"}).check()
        assert TrytonAdapter(1, options, {"password": "right-Secret-5"}).check().company == COMPANY

    @pytest.mark.parametrize("groups", [(), ("Product Administration",)])
    def test_missing_rights_are_told_with_the_group_that_has_them(self, groups: tuple[str, ...]) -> None:
        login = f"few-{len(groups)}"
        self.server.make_user(login, "few-Secret-55", groups)
        adapter = TrytonAdapter(1, {**self.server.options, "username": login}, {"password": "few-Secret-55"})

        with pytest.raises(ConfigurationError, match="Account Product Administration"):
            adapter.check()
        with pytest.raises(ConfigurationError):
            adapter.export_codes([self.make_code(f"RIGHTS-{len(groups)}")])

    def test_a_session_that_has_ended_is_renewed(self) -> None:
        adapter = self.adapter()
        adapter.check()
        self.server.end_sessions()

        assert adapter.check().company == COMPANY

    # GL accounts

    def test_accounts_have_number_name_kind_and_state(self) -> None:
        found = {account.number: account for account in self.adapter().fetch_gl_accounts()}

        assert (found["4000"].name, found["4000"].kind, found["4000"].is_active) == (
            "Contract Revenue",
            AccountKind.INCOME,
            True,
        )
        assert found["4000"].parent
        assert found["5000"].kind is AccountKind.EXPENSE
        assert found["4060"].is_active is False
        assert found["5080"].is_active is False
        assert AccountKind.OTHER in {account.kind for account in found.values()}

    def test_accounts_are_read_page_by_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        everything = list(self.adapter().fetch_gl_accounts())
        monkeypatch.setattr("erp_integrations.adapters.tryton.client.PAGE", 50)

        assert list(self.adapter().fetch_gl_accounts()) == everything

    # What a code becomes

    def test_a_code_becomes_a_service_product_with_our_reference(self) -> None:
        self.export_one(self.make_code("SERVICE"))

        (row,) = self.server.rpc(
            "product.product",
            "search_read",
            [["code", "=", "SERVICE"]],
            0,
            None,
            None,
            ["template.type", "identifiers.code"],
        )
        assert row["template."]["type"] == "service"
        assert [identifier["code"] for identifier in row["identifiers."]] == ["tieback:1-SERVICE"]
        assert self.server.items()["SERVICE"] == ("About SERVICE", "4000", "5000")

    def test_codes_of_the_same_accounts_share_one_category(self) -> None:
        accounts = {
            "income_account": self.account("4030"),
            "expense_account": self.account("5030"),
        }
        self.adapter().export_codes([self.make_code("CAT-1", **accounts), self.make_code("CAT-2", **accounts)])
        self.export_one(self.make_code("CAT-3", **accounts))

        rows = self.server.rpc(
            "product.category", "search_read", [["name", "=", "GL 4030/5030"]], 0, None, None, ["id"]
        )
        assert len(rows) == 1

    def test_no_expense_account_is_null_on_the_server_and_not_the_companys_default(self) -> None:
        self.export_one(self.make_code("NO-EXPENSE", expense_account=None))

        assert self.server.items()["NO-EXPENSE"] == ("About NO-EXPENSE", "4000", None)

    def test_a_category_whose_accounts_were_changed_by_hand_is_not_used(self) -> None:
        accounts = {"income_account": self.account("4040")}
        self.export_one(self.make_code("BEFORE", **accounts))
        (category,) = self.server.rpc("product.category", "search", [["name", "=", "GL 4040/5000"]])
        self.server.rpc("product.category", "write", [category], {"account_revenue": self.server.accounts["4050"]})

        assert isinstance(self.export_one(self.make_code("AFTER", **accounts)), Exported)
        assert self.server.items()["AFTER"] == ("About AFTER", "4040", "5000")

    # What is there already

    def test_a_copy_of_our_item_is_not_taken_for_ours(self) -> None:
        code = self.make_code("COPIED")
        self.export_one(code)
        template = self.server.rpc(
            "product.product", "search_read", [["code", "=", "COPIED"]], 0, 1, None, ["template"]
        )
        self.server.rpc("product.template", "copy", [template[0]["template"]], {"code": "COPY"})

        outcome = self.export_one(code)

        assert isinstance(outcome, Exported)
        assert outcome.receipt.code == "COPIED"

    def test_the_word_for_an_item_of_someone_else_names_the_code(self) -> None:
        self.server.make_item("BY-HAND", "By hand")

        outcome = self.export_one(self.make_code("BY-HAND"))

        assert isinstance(outcome, Exists)
        assert outcome.message == "Tryton already has a product with the code BY-HAND, made by someone else."

    def test_the_word_for_a_changed_item_names_what_differs(self) -> None:
        code = self.make_code("CHANGED")
        self.export_one(code)

        outcome = self.export_one(replace(code, description="Other", expense_account=None))

        assert isinstance(outcome, Exists)
        assert outcome.message.endswith("differs in the description and the expense account.")

    def test_an_item_archived_by_its_owner_is_exists_not_ours(self) -> None:
        self.server.make_item("OLD", "Old")
        self.server.archive_item("OLD")

        outcome = self.export_one(self.make_code("OLD"))

        assert isinstance(outcome, Exists)
        assert not outcome.receipt.is_active
        assert not outcome.receipt.is_ours

    # Updating

    def test_an_update_moves_the_product_to_another_category_and_edits_none(self) -> None:
        code, neighbour = self.make_code("MOVES"), self.make_code("STAYS")
        self.adapter().export_codes([code, neighbour])
        held = self.adapter().find([code])[code.reference]
        changed = replace(code, remote_id=held.remote_id, income_account=self.account("4010"), expense_account=None)

        [outcome] = self.adapter().update_codes([changed])

        assert isinstance(outcome, Exported)
        assert self.server.items()["MOVES"] == ("About MOVES", "4010", None)
        assert self.server.items()["STAYS"] == ("About STAYS", "4000", "5000")

    def test_a_product_with_variants_is_not_updated(self) -> None:
        code = self.make_code("VARIED")
        self.export_one(code)
        remote_id = self.adapter().find([code])[code.reference].remote_id
        [row] = self.server.rpc("product.product", "read", [int(remote_id)], ["template"])
        self.server.rpc("product.product", "create", [{"template": row["template"], "suffix_code": "-B"}])

        [outcome] = self.adapter().update_codes([replace(code, remote_id=remote_id, description="Renamed")])

        assert isinstance(outcome, Exists)
        assert "has variants" in outcome.message
        assert self.server.items()["VARIED"] == ("About VARIED", "4000", "5000")

    # What Tryton refuses

    def test_an_expense_account_as_income_is_refused_in_trytons_words(self) -> None:
        outcome = self.export_one(self.make_code("CROSSED", income_account=self.account("5010")))

        assert isinstance(outcome, Refused)
        assert "5010 - Material" in outcome.message
        assert "not valid according to its domain" in outcome.message
        assert len(outcome.detail) < 500

    def test_an_unknown_account_stops_no_other_pair(self) -> None:
        good = self.make_code("GOOD", income_account=self.account("4020"))
        bad = self.make_code("BAD", income_account="999999")

        outcomes = {o.reference: o for o in self.adapter().export_codes([bad, good])}

        assert isinstance(outcomes[good.reference], Exported)
        assert isinstance(outcomes[bad.reference], Refused)

    def test_two_codes_of_one_name_become_one_item_and_a_conflict(self) -> None:
        first = self.make_code("TWICE")
        second = replace(first, reference="1-other")

        outcomes = self.adapter().export_codes([first, self.make_code("ONCE"), second])

        assert [type(outcome) for outcome in outcomes] == [Exported, Exported, Exists]
        assert self.server.items()["TWICE"] == ("About TWICE", "4000", "5000")

    # Many at once

    def test_four_exports_of_the_same_codes_at_once_leave_one_item_each(self) -> None:
        income = [self.account(number) for number in ("4000", "4010", "4020")]
        codes = [self.make_code(f"RACE-{n}", income_account=income[n % 3], expense_account=None) for n in range(20)]
        barrier, found = threading.Barrier(4), []

        def export() -> None:
            adapter = self.adapter()
            barrier.wait()
            found.append(adapter.export_codes(codes))

        threads = [threading.Thread(target=export) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        ids = {tuple(outcome.receipt.remote_id for outcome in outcomes) for outcomes in found}
        assert all(isinstance(outcome, Exported) for outcomes in found for outcome in outcomes)
        assert len(found) == 4
        assert len(ids) == 1
        assert {code for code in self.server.items() if code.startswith("RACE-")} == {code.code for code in codes}

    def test_a_portion_takes_the_same_number_of_calls_whatever_its_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.adapter().export_codes([self.make_code("WARM")])

        for codes in (["N-1"], [f"N-{n}" for n in range(2, 52)]):
            assert self._calls_for(codes, monkeypatch) == self.calls_per_portion

    def _calls_for(self, codes: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
        adapter, calls = self.adapter(), []
        post = adapter.client._post
        monkeypatch.setattr(adapter.client, "_post", lambda *words: calls.append(words[1]) or post(*words))
        adapter.export_codes([self.make_code(code) for code in codes])
        return len(calls)


@pytest.mark.slow
class TestTryton70Conforms(TestTrytonConforms):
    server_class = Tryton70Server


@pytest.mark.slow
class TestTryton70(TestTryton):
    server_class = Tryton70Server
    told_version = "7.0.59"
    calls_per_portion = 8  # it is asked as an 8.2 first


class TestTrytonDown:
    def test_a_server_that_is_down_is_transient(self) -> None:
        server = TrytonServer()
        with server:
            options = server.options

        adapter = TrytonAdapter(1, options, server.credentials)

        with pytest.raises(TransientError, match="cannot be reached"):
            adapter.check()
        with pytest.raises(TransientError):
            adapter.export_codes([CodeData("1-1", "01-100", "Concrete", income_account="1")])
