"""What real Trytons make of codes, archived products and deleted categories; the tables were read off them."""

from __future__ import annotations

from typing import ClassVar

import pytest

from erp_integrations.adapters.tryton import payload
from erp_integrations.base import Exists, Exported
from tests.erp_integrations.adapters.test_tryton import WithTryton
from tests.servers.server import ServerError
from tests.servers.tryton import Tryton70Server, TrytonServer

pytestmark = pytest.mark.once

# As it is written, as a template keeps it, as its variant keeps it.
STORED = [
    ("PLAIN-1", "PLAIN-1", "PLAIN-1"),
    ("  LEAD-2", "LEAD-2", "LEAD-2"),
    ("TRAIL-3  ", "TRAIL-3  ", "TRAIL-3"),
    (" IN SIDE-4 ", "IN SIDE-4 ", "IN SIDE-4"),
    ("\u00a0NBSP-5\u00a0", "NBSP-5\u00a0", "NBSP-5"),
    ("low-6", "low-6", "low-6"),
]


class TestStored(WithTryton):
    server_class: ClassVar[type[TrytonServer]] = TrytonServer
    archives_templates_alone: ClassVar[bool] = True

    def template_of(self, code: str) -> int:
        [template] = self.server.rpc("product.template", "search", [["products.code", "=", code]])
        return int(template)

    @pytest.mark.parametrize(("written", "of_template", "of_variant"), STORED)
    def test_the_table_is_what_tryton_does(self, written: str, of_template: str, of_variant: str) -> None:
        self.server.make_item(written, "By hand")

        rows = self.server.rpc(
            "product.product", "search_read", [["code", "=", of_variant]], 0, None, None, ["code", "template.code"]
        )

        assert [(row["template."]["code"], row["code"]) for row in rows] == [(of_template, of_variant)]
        assert payload.stored(written) == of_variant

    def test_an_export_knows_its_own_code_again_whatever_blanks_it_had(self) -> None:
        code = self.make_code(" OWN-1  ", reference="1-OWN", description="About OWN")

        outcomes = [self.export_one(code), self.export_one(code)]

        assert all(isinstance(outcome, Exported) for outcome in outcomes)
        assert self.adapter().find([code])[code.reference].fits(code)
        assert self.server.items()["OWN-1"][0] == code.description

    @pytest.mark.parametrize("written", ["HAND-1  ", "  HAND-2"])
    def test_an_item_by_hand_with_blanks_around_its_code_is_found(self, written: str) -> None:
        self.server.make_item(written, "By hand")

        outcome = self.export_one(self.make_code(written.strip()))

        assert isinstance(outcome, Exists)
        assert outcome.receipt.code == written.strip()

    def test_case_counts_in_tryton(self) -> None:
        self.server.make_item("case-1", "By hand")

        assert isinstance(self.export_one(self.make_code("CASE-1")), Exported)

    def test_a_template_that_is_archived_alone_keeps_the_code(self) -> None:
        self.server.make_item("TEMPLATE", "By hand")
        archive = [self.template_of("TEMPLATE")], {"active": False}
        if not self.archives_templates_alone:
            with pytest.raises(ServerError):
                self.server.rpc("product.template", "write", *archive)
            return
        self.server.rpc("product.template", "write", *archive)
        with pytest.raises(ServerError, match="must be unique"):
            self.server.make_item("TEMPLATE", "Another")

        outcome = self.export_one(self.make_code("TEMPLATE"))

        assert isinstance(outcome, Exists)
        assert outcome.message == (
            "Tryton already has a product with the code TEMPLATE, made by someone else. "
            "Its template is archived in Tryton and its variant is not, so that the code is taken: restore the "
            "template, archive the variant too, or rename the code, then retry."
        )
        assert outcome.receipt.obstacle

    def test_an_archived_product_of_someone_else_cannot_be_linked_before_it_is_restored(self) -> None:
        self.server.make_item("ARCHIVED", "By hand")
        self.server.archive_item("ARCHIVED")
        code = self.make_code("ARCHIVED")

        outcome = self.export_one(code)

        assert isinstance(outcome, Exists)
        assert "restore it there or rename the code" in outcome.message
        assert self.adapter().find([code])[code.reference].obstacle == payload.ARCHIVED

    def test_our_own_archived_product_says_what_to_do(self) -> None:
        code = self.make_code("OURS-ARCHIVED")
        self.export_one(code)
        self.server.archive_item("OURS-ARCHIVED")

        outcome = self.export_one(code)

        assert isinstance(outcome, Exists)
        assert outcome.message == payload.ARCHIVED
        assert outcome.receipt.is_ours

    def test_a_category_that_is_deleted_empties_the_accounts_and_the_list_of_all_items_shows_it(self) -> None:
        accounts = {"income_account": self.account("4050"), "expense_account": self.account("5060")}
        code = self.make_code("EMPTIED", **accounts)
        self.export_one(code)
        categories = self.server.rpc("product.category", "search", [["name", "=", "GL 4050/5060"]])
        self.server.rpc("product.category", "delete", categories)

        [listed] = [item for item in self.adapter().fetch_items() if item.code == "EMPTIED"]

        assert (listed.income_account, listed.expense_account) == (None, None)
        outcome = self.export_one(code)
        assert isinstance(outcome, Exists)
        assert outcome.message.endswith("differs in the income account and the expense account.")


@pytest.mark.slow
class TestStored70(TestStored):
    server_class = Tryton70Server
    archives_templates_alone = False
