"""Doing what a checked list says: updates, accounts, divisions of many pages, and taking it all back."""

from __future__ import annotations

import pytest
from django.test import Client

from companies.models import AuditEvent, Level, Member
from erp_integrations.base import AccountKind
from erp_integrations.models import Connection
from tests.factories import (
    make_account,
    make_company,
    make_connection,
    make_cost_code,
    make_hold,
    make_project,
    make_segment,
)
from tests.wbs.import_page import CODES, ImportPage
from wbs.models import DefaultAccounts, Hold, ImportDraft, SegmentItem

pytestmark = [pytest.mark.django_db, pytest.mark.either]

UPDATE = {"What if a code is in the list already?": "Update description and status"}
LIST = b"code,description,status\n01-100,New words,Inactive\n01-200,Added,\n"


def described() -> dict[str, str]:
    return {item.full_code: item.description for item in SegmentItem.objects.all()}


def post_undo(client: Client) -> str:
    draft = ImportDraft.objects.latest("pk")
    return client.post(f"{CODES}import/{draft.pk}/undo/", follow=True).content.decode()


class TestUpdating:
    def test_description_and_status_change_and_each_is_shown_before_and_told_in_the_trail(self, dora: Client) -> None:
        item = make_cost_code("01-100", "Old words")
        page = ImportPage(dora).upload(LIST).choose(UPDATE)

        [line] = page.lines("2", "rows")
        assert "Description: “Old words” → “New words”. Status: Active → Inactive." in line
        page.press_import()

        item.refresh_from_db()
        assert (item.description, item.description_key, item.is_active, item.version) == (
            *("New words", "new words"),
            *(False, 2),
        )
        told = AuditEvent.objects.filter(subject_id=item.pk, action__in=("code.changed", "code.deactivated"))
        assert [(event.action, event.old, event.new) for event in told.order_by("pk")] == [
            ("code.changed", "01-100 Old words", "01-100 New words"),
            ("code.deactivated", "", ""),
        ]

    def test_by_default_what_differs_stays_as_it_is_and_is_told(self, dora: Client) -> None:
        make_cost_code("01-100", "Old words")
        page = ImportPage(dora).upload(LIST)

        [line] = page.lines("2", "problems")
        assert "01-100 is in the list already. It stays as it is. Description: “Old words” → “New words”." in line
        page.press_import()

        assert described() == {"01": "Division 01", "01-100": "Old words", "01-200": "Added"}

    @pytest.mark.parametrize("text", [b"code,description\n01-100,x\n", b"code,description,status\n01-100,x,\n"])
    def test_a_list_that_says_no_status_changes_none(self, dora: Client, text: bytes) -> None:
        item = make_cost_code("01-100", "x")
        item.segment.set_active([item.pk], False, None)

        page = ImportPage(dora).upload(text).choose(UPDATE)

        assert "Nothing would change" in page.text

    def test_report_only_imports_nothing(self, dora: Client) -> None:
        make_cost_code("01-100", "Old words")
        page = ImportPage(dora).upload(LIST).choose({**UPDATE, "What if a code is in the list already?": "Report only"})

        assert not page.document.xpath('//button[@name="import"]')
        assert "Old words" in page.lines("2", "rows")[0]
        page.client.post(f"{CODES}import/", {**page._fields(), "import": "1"})

        assert described() == {"01": "Division 01", "01-100": "Old words"}

    def test_a_sent_code_stays_and_says_why(self, dora: Client) -> None:
        make_hold(make_cost_code("01-100", "Old words"))
        page = ImportPage(dora).upload(LIST).choose(UPDATE)

        assert "01-100 is sent to Practice ERP" in page.lines("2", "problems")[0]
        page.press_import()

        assert described()["01-100"] == "Old words"

    def test_one_that_is_sent_between_check_and_import_stops_the_import(self, dora: Client) -> None:
        item = make_cost_code("01-100", "Old words")
        page = ImportPage(dora).upload(LIST).choose(UPDATE)
        make_hold(item)

        page.press_import()

        assert "Nothing was imported yet." in page.text
        assert "01-100 is sent to Practice ERP" in page.lines("2", "problems")[0]
        assert described() == {"01": "Division 01", "01-100": "Old words"}

    def test_a_synced_code_is_changed_since_export(self, dora: Client) -> None:
        item = make_cost_code("01-100", "Old words")
        make_hold(item, lock=Hold.Lock.CODE)
        page = ImportPage(dora).upload(LIST).choose(UPDATE)

        assert "It becomes “Changed since export”." in page.lines("2", "rows")[0]
        page.press_import()

        assert described()["01-100"] == "New words"
        assert "Changed since export" in dora.get(CODES).content.decode()

    def test_what_somebody_else_edited_meanwhile_is_shown_anew(self, dora: Client) -> None:
        item = make_cost_code("01-100", "Old words")
        page = ImportPage(dora).upload(LIST).choose(UPDATE)
        item.change("100", "Quicker words", item.parent, item.version, None)

        page.press_import()

        assert "Nothing was imported yet." in page.text
        assert "“Quicker words” → “New words”" in page.lines("2", "rows")[0]

    def test_the_same_list_again_would_change_nothing_whatever_is_chosen(self, dora: Client) -> None:
        ImportPage(dora).upload(LIST).press_import()

        for choice in ("Skip", "Update description and status", "Report only"):
            page = ImportPage(dora).upload(LIST).choose({"What if a code is in the list already?": choice})
            assert "Nothing would change" in page.text
            assert page.facts["Rows with problems"] == 0

    def test_a_code_that_was_accepted_once_is_not_doubted_again(self, dora: Client) -> None:
        ImportPage(dora).upload(b"code,description\n02-SEP,Septic\n").choose({"These are codes": True}).press_import()

        page = ImportPage(dora).upload(b"code,description\n02-SEP,Septic\n")

        assert "Nothing would change" in page.text


class TestAccounts:
    @pytest.fixture
    def books(self) -> Connection:
        connection = make_connection(make_segment().company)
        for number, kind in (("4000", AccountKind.INCOME), ("5000", AccountKind.COST_OF_GOODS_SOLD)):
            make_account(connection, number, kind)
        return connection

    def accounts(self, code: str) -> list[str]:
        rows = DefaultAccounts.objects.filter(item__full_code=code).order_by("connection__name")
        return [str(row) for row in rows]

    def test_an_existing_code_gets_the_accounts_that_it_lacks(self, dora: Client, books: Connection) -> None:
        make_cost_code("01-100", "Here")
        text = b"code,description,income,expense\n01-100,Here,4000,5000\n"
        page = ImportPage(dora).upload(text).choose(UPDATE)

        assert "Income account: none → 4000 Account 4000." in page.lines("2", "rows")[0]
        page.press_import()

        assert self.accounts("01-100") == ["Income: 4000 Account 4000; Expense: 5000 Account 5000"]
        assert "Nothing would change" in ImportPage(dora).upload(text).choose(UPDATE).text

    def test_another_companys_connections_and_accounts_are_never_meant(self, dora: Client, books: Connection) -> None:
        theirs = make_connection(make_company("Other Builders", "other-builders"), name="Theirs", slug="theirs")
        make_account(theirs, "4999", AccountKind.INCOME)

        page = ImportPage(dora).upload(b"code,description,income (Theirs)\n01-100,x,4999\n")

        assert "“4999” is no account of Practice ERP" in page.lines("2", "problems")[0]

    def test_a_blank_cell_leaves_an_account_as_it_is(self, dora: Client, books: Connection) -> None:
        ImportPage(dora).upload(b"code,description,income,expense\n01-100,x,4000,5000\n").press_import()

        page = ImportPage(dora).upload(b"code,description,income,expense\n01-100,x,,\n").choose(UPDATE)

        assert "Nothing would change" in page.text

    def test_a_row_without_its_account_comes_in_only_if_somebody_says_so(self, dora: Client, books: Connection) -> None:
        page = ImportPage(dora).upload(b"code,description,income,expense\n01-100,x,4999,5000\n")
        assert page.facts["Rows that can be imported"] == 0
        assert "4999" in page.lines("2", "problems")[0]

        page.choose({"Import these rows without such accounts": True}).press_import()

        assert self.accounts("01-100") == ["Income: inherited; Expense: 5000 Account 5000"]

    def test_with_several_connections_one_is_chosen_or_named_in_the_heading(
        self, dora: Client, books: Connection
    ) -> None:
        other = make_connection(books.company, name="Books B", slug="books-b")
        make_account(other, "4000", AccountKind.INCOME, name="Sales of B")
        page = ImportPage(dora).upload(b"code,description,income\n01-100,x,4000\n")
        assert "Choose under “Accounts of” whose accounts the file names" in page.text
        assert not page.document.xpath('//button[@name="import"]')

        page.choose({"Accounts of": "Books B"}).press_import()
        assert self.accounts("01-100") == ["Income: 4000 Sales of B; Expense: inherited"]

        text = b"code,description,Income (Practice ERP),Income Account (Books B)\n01-200,y,4000,4000\n"
        page = ImportPage(dora).upload(text)
        assert "not used" not in page.text
        page.press_import()
        assert self.accounts("01-200") == [
            "Income: 4000 Sales of B; Expense: inherited",
            "Income: 4000 Account 4000; Expense: inherited",
        ]

    def test_an_account_that_became_inactive_since_the_check_is_not_set(self, dora: Client, books: Connection) -> None:
        page = ImportPage(dora).upload(b"code,description,income\n01-100,x,4000\n")
        books.gl_accounts.update(is_active=False)

        page.press_import()

        assert "Nothing was imported yet." in page.text
        assert described() == {}

    def test_who_may_not_set_default_accounts_brings_none_along(self, dora: Client, books: Connection) -> None:
        Member.objects.update(erp_level=Level.STANDARD)
        page = ImportPage(dora).upload(b"code,description,income\n01-100,x,4000\n")

        assert "The accounts are not read" in page.text
        page.press_import()

        assert self.accounts("01-100") == []

    def test_nor_does_who_finds_the_check_of_somebody_who_may(self, dora: Client, books: Connection) -> None:
        page = ImportPage(dora).upload(b"code,description,income\n01-100,x,4000\n")
        Member.objects.update(erp_level=Level.READ_ONLY)

        page.press_import()

        assert "Nothing was imported yet." in page.text
        assert described() == {}

    def test_what_is_exported_imports_unchanged(self, dora: Client, books: Connection) -> None:
        ImportPage(dora).upload(b"code,description,income,expense\n01-100,x,4000,5000\n").press_import()

        for address in (f"{CODES}export/", f"{CODES}export/xlsx/"):
            page = ImportPage(dora).upload(dora.get(address).content).choose(UPDATE)
            assert "Nothing would change" in page.text


class TestUndo:
    def test_everything_is_as_before(self, dora: Client) -> None:
        books = make_connection(make_segment().company)
        make_account(books, "4000", AccountKind.INCOME)
        item = make_cost_code("01-100", "Old words")
        text = b"code,description,status,income\n01-100,New words,Inactive,4000\n02-100,Added,,4000\n"
        page = ImportPage(dora).upload(text).choose(UPDATE).press_import()
        assert "Undo Import" in page.text

        answer = post_undo(dora)

        assert "The import of list.csv was undone: 3 codes." in answer
        assert described() == {"01": "Division 01", "01-100": "Old words"}
        item.refresh_from_db()
        assert item.is_active
        assert not DefaultAccounts.objects.exists()
        assert AuditEvent.objects.filter(action="code.deleted").count() == 2

    def test_it_can_be_pressed_once(self, dora: Client) -> None:
        ImportPage(dora).upload(b"code,description\n01,x\n").press_import()
        post_undo(dora)
        make_cost_code("01")

        assert "was undone already" in post_undo(dora)
        assert described() == {"01": "Description 01"}
        assert "Undone" in dora.get(f"{CODES}import/").content.decode()

    @pytest.mark.parametrize(
        ("use", "why"),
        [
            (lambda item: make_hold(item), "was sent"),
            (lambda item: make_hold(item, lock=Hold.Lock.NONE), "was sent"),
            (lambda item: item.change("100", "Edited", item.parent, item.version, None), "was edited"),
            (
                lambda item: make_project().add_codes(SegmentItem.objects.filter(pk=item.pk), None),
                "is used on a project",
            ),
            (lambda item: make_cost_code("01-100-1"), "has other codes below it"),
        ],
        ids=["sent", "sent and rejected", "edited", "used", "others below"],
    )
    def test_not_when_somebody_did_something_with_a_code(self, dora: Client, use: object, why: str) -> None:
        ImportPage(dora).upload(b"code,description\n01-100,x\n01-200,y\n").press_import()
        use(SegmentItem.objects.get(full_code="01-100"))  # type: ignore[operator]
        before = described()

        answer = post_undo(dora)

        assert f"01-100 {why}" in answer
        assert "so the import cannot be undone" in answer
        assert described() == before

    def test_not_when_a_changed_code_was_edited_again(self, dora: Client) -> None:
        make_cost_code("01-100", "Old words")
        ImportPage(dora).upload(LIST).choose(UPDATE).press_import()
        item = SegmentItem.objects.get(full_code="01-100")
        item.change("100", "Newer words", item.parent, item.version, None)

        assert "01-100 was edited or sent" in post_undo(dora)
        assert described()["01-100"] == "Newer words"

    def test_checking_an_imported_list_again_takes_the_undo_away_from_nobody(self, dora: Client) -> None:
        page = ImportPage(dora).upload(b"code,description\n01,x\n")
        fields = page._fields()
        page.press_import()

        answer = dora.post(f"{CODES}import/", fields).content.decode()

        assert "list.csv was imported already. Choose the file again to check it anew." in answer
        assert "was undone" in post_undo(dora)

    def test_the_delimiter_is_as_before(self, dora: Client) -> None:
        ImportPage(dora).upload(b"code,description\n01.100,x\n", delimiter=".").press_import()
        assert make_segment().delimiter == "."

        post_undo(dora)

        assert make_segment().delimiter == "-"

    def test_others_may_not(self, dora: Client, bob: Client, charlie: Client) -> None:
        ImportPage(dora).upload(b"code,description\n01,x\n").press_import()
        address = f"{CODES}import/{ImportDraft.objects.get().pk}/undo/"

        assert bob.post(address).status_code == 403
        assert charlie.post(address).status_code == 404
        assert charlie.post(address.replace("sample-builders", "other-builders")).status_code == 404
        assert dora.get(address).status_code == 405
        assert described() == {"01": "x"}


class TestDivisions:
    MANY = "code,description\n" + "".join(f"{number:03}-100,Text\n" for number in range(1, 121))

    def test_all_of_many_can_be_named_page_by_page(self, dora: Client) -> None:
        page = ImportPage(dora).upload(self.MANY.encode())
        page.set("division:002", "Second")
        page.press("divisions", "2")
        page.set("division:060", "Sixtieth")
        page.press("divisions", "3")
        page.set("division:120", "Last")

        page.press_import()

        found = described()
        assert [found[code] for code in ("001", "002", "060", "120")] == [
            *("Division 001", "Second"),
            *("Sixtieth", "Last"),
        ]

    def test_what_was_left_as_proposed_gives_way_to_a_better_name(self, dora: Client) -> None:
        page = ImportPage(dora).upload(b"code,description,what\n01-100,x,General\n02-100,y,Sitework\n")
        page.set("division:02", "Typed")

        page.choose({"Division": "what"}).press_import()

        assert (described()["01"], described()["02"]) == ("General", "Typed")

    def test_what_was_typed_is_still_there_after_a_choice_that_is_refused(self, dora: Client) -> None:
        make_cost_code("09-100")
        page = ImportPage(dora).upload(b"code,description\n01-100,x\n")
        page.set("division:01", "Typed")

        page.choose({"Delimiter": ".", "Tier Pattern": "2-x"})

        assert "The codes that are here are joined with “-”. Choose that." in page.text
        assert "Write the lengths of up to 5 tiers, such as 2-2-2." in page.text
        assert page.form is not None
        assert page.form.fields["division:01"] == "Typed"
        assert page.form.fields["pattern"] == "2-x"

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(40), b"", b"PK\x03\x04" + bytes(100)])
    def test_a_file_that_cannot_be_read_takes_nothing_of_an_earlier_check_away(
        self, dora: Client, content: bytes
    ) -> None:
        page = ImportPage(dora).upload(b"code,description\n01-100,x\n")
        page.set("division:01", "Typed")

        page.upload(content, "other.xlsx")

        assert page.document.xpath('//*[@id="id_file_error"]')
        assert page.form is not None
        assert page.form.fields["division:01"] == "Typed"
        page.press_import()
        assert described() == {"01": "Typed", "01-100": "x"}

    def test_one_that_will_not_do_is_shown_whatever_its_page(self, dora: Client) -> None:
        page = ImportPage(dora).upload(self.MANY.encode())
        page.press("divisions", "3")
        page.set("division:120", " ")

        page.press_import()

        assert "See the descriptions of the missing divisions." in page.text
        assert "Write a description." in page.text
        assert described() == {}
