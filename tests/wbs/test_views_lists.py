from __future__ import annotations

import io
import re
from html import unescape
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from companies.models import AuditEvent
from core.clock import in_seconds
from tests.factories import make_company, make_cost_code, make_hold, make_segment
from wbs.models import ImportDraft, Segment, SegmentItem
from wbs.tasks import check_draft

CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
IMPORT = f"{CODES}import/"
OWN_LIST = Path(__file__).parent.parent.parent / "wbs" / "sample" / "cost-codes.csv"

pytestmark = [pytest.mark.django_db, pytest.mark.either]


def upload(text: str | bytes, name: str = "list.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)


def check_file(client: Client, text: str | bytes, **choices: str) -> str:
    choices = {"delimiter": "-", "create_missing": "on", **choices}
    response = client.post(IMPORT, {"file": upload(text), **choices})
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, html: str, **fields: str) -> str:
    """Press the button that imports, on the page of the check, with what stands in its fields."""
    inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", html)]
    hidden = {
        i["name"]: unescape(i["value"]) for i in inputs if i.get("name", "").startswith(("draft", "check", "division"))
    }
    data = {"delimiter": "-", "create_missing": "on", "import": "1", **hidden, **fields}
    response = client.post(IMPORT, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def facts(html: str) -> list[int]:
    """Good rows, missing divisions, problems."""
    return [int(number) for number in re.findall(r"<dd>(\d+)</dd>", html)]


def problems(html: str) -> list[tuple[str, str, str]]:
    cells = re.findall(
        r'data-label="Row">(.*?)</td>.*?data-label="Code">(.*?)</td>.*?data-label="Problem">(.*?)</td>', html, re.DOTALL
    )
    return [(row, unescape(code), unescape(sentence)) for row, code, sentence in cells]


def codes_in_order() -> list[str]:
    return list(SegmentItem.objects.values_list("full_code", flat=True))


class TestChecking:
    def test_counts_and_numbered_problems_are_shown_and_nothing_is_imported(self, dora: Client) -> None:
        make_cost_code("02-100", "Here")

        html = check_file(dora, "code,description\n01-100,Good\n01-100,Again\n02-100,Known\n10-Jan,Date\n02-200,\n")

        assert facts(html) == [1, 1, 4]
        assert [(row, code) for row, code, _ in problems(html)] == [
            ("3", "01-100"),
            ("4", "02-100"),
            ("5", "10-Jan"),
            ("6", "02-200"),
        ]
        assert problems(html)[0][2] == "Row 2 has the same code."
        assert ">Import Good Rows</button>" in re.sub(r"<svg.*?</svg> ", "", html)
        assert codes_in_order() == ["02", "02-100"]

    def test_without_problems_the_button_says_import(self, dora: Client) -> None:
        html = re.sub(r"<svg.*?</svg> ", "", check_file(dora, "code,description\n01,Good\n"))

        assert ">Import</button>" in html
        assert ">Import Good Rows</button>" not in html

    def test_without_good_rows_there_is_no_button(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01,\n")

        assert facts(html) == [0, 0, 1]
        assert 'name="import"' not in html

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("", "The file is empty."),
            (b"PK\x03\x04" + bytes(100), "The workbook is damaged."),
            (b"code,description\n01,\x81\n", "neither UTF-8 nor Windows-1252"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_told_beside_the_field(
        self, dora: Client, content: str | bytes, sentence: str
    ) -> None:
        html = check_file(dora, content)

        assert sentence in re.findall(r'id="id_file_error">([^<]*)<', html)[0]
        assert not ImportDraft.objects.exists()

    def test_no_file_is_told_beside_the_field(self, dora: Client) -> None:
        html = dora.post(IMPORT, {"delimiter": "-"}).content.decode()

        assert re.findall(r'id="id_file_error">([^<]*)<', html) == ["Choose a file."]

    def test_another_choice_can_be_checked_without_the_file_at_hand(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01.100,Good\n")
        assert "No code contains “-”" in html
        draft = re.search(r'name="draft" value="(\d+)"', html)
        assert draft

        html = dora.post(IMPORT, {"draft": draft[1], "delimiter": ".", "create_missing": "on"}).content.decode()

        assert facts(html) == [1, 1, 0]
        assert "list.csv is kept for a day." in html

    def test_a_wrong_choice_does_not_lose_the_file(self, dora: Client) -> None:
        make_cost_code("01-100")

        html = check_file(dora, "code,description\n02.100,Good\n", delimiter=".")

        assert "The codes that are here are joined with “-”. Choose that." in html
        assert re.search(r'name="draft" value="\d+"', html)

    def test_the_tick_decides_about_missing_divisions(self, dora: Client) -> None:
        html = dora.post(IMPORT, {"file": upload("code,description\n01-1,x\n"), "delimiter": "-"}).content.decode()

        assert facts(html) == [0, 0, 1]
        assert "Its division 01 is not in the list." in problems(html)[0][2]
        assert not re.search(r'name="create_missing"[^>]*checked', html)

    def test_the_tick_is_set_and_the_delimiter_of_the_list_is_chosen(self, dora: Client) -> None:
        make_segment(delimiter="")

        html = dora.get(IMPORT).content.decode()

        assert re.search(r'name="create_missing"[^>]*checked', html)
        assert '<option value="none" selected>none (flat)</option>' in html

    def test_a_thousand_problems_do_not_swamp_the_page(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n" + "01,\n" * 1000)

        assert len(problems(html)) == 100
        assert "1 to 100 of 1,000" in html


class TestImporting:
    def test_good_rows_and_missing_divisions_arrive_together(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n02-100,Doors & “more”\n01-100,Bonds\n01-100,Again\n")

        answer = press(dora, html)

        assert "4 codes were imported from list.csv." in answer
        assert [(i.full_code, i.description, i.tier) for i in SegmentItem.objects.all()] == [
            ("01", "Division 01", 1),
            ("01-100", "Bonds", 2),
            ("02", "Division 02", 1),
            ("02-100", "Doors & “more”", 2),
        ]
        assert SegmentItem.objects.get(full_code="02-100").parent == SegmentItem.objects.get(full_code="02")
        assert sorted(
            AuditEvent.objects.filter(action="code.imported").values_list("label", "new", "actor__username")
        ) == [
            ("01", "Division 01", "dora"),
            ("01-100", "Bonds", "dora"),
            ("02", "Division 02", "dora"),
            ("02-100", "Doors & “more”", "dora"),
        ]

    def test_descriptions_of_missing_divisions_can_be_written(self, dora: Client) -> None:
        html = check_file(dora, "code,description\nÉt-1,x\n")
        assert re.search(r'<label for="division-1">Division Ét</label>.*?value="Division Ét"', html, re.DOTALL)

        press(dora, html, **{"division:ét": " Étage "})

        assert SegmentItem.objects.get(full_code="Ét").description == "Étage"

    def test_a_blank_description_of_a_division_is_told_beside_it(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01-1,x\n02-1,y\n")

        html = press(dora, html, **{"division:01": " ", "division:02": "Kept"})

        assert "Nothing was imported yet" in html
        assert re.findall(r'<p class="error" id="division-1-error">([^<]*)<', html) == ["Write a description."]
        assert 'value="Kept"' in html
        assert codes_in_order() == []

    def test_what_changed_since_the_check_is_shown_before_anything_is_imported(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01-100,x\n01-200,y\n")
        make_cost_code("01-200", "Someone was quicker")

        html = press(dora, html)

        assert "Nothing was imported yet. The list or a choice changed since the check" in html
        assert facts(html) == [1, 0, 1]
        assert codes_in_order() == ["01", "01-200"]

        assert "1 code was imported" in press(dora, html)
        assert codes_in_order() == ["01", "01-100", "01-200"]

    def test_a_second_click_changes_nothing_and_says_what_the_first_did(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01,x\n")

        assert "1 code was imported" in press(dora, html)
        assert "1 code was imported" in press(dora, html)
        assert codes_in_order() == ["01"]

    def test_a_code_under_a_sent_one_stays_out(self, dora: Client) -> None:
        make_hold(make_cost_code("01-100"))

        html = check_file(dora, "code,description\n01-100-1,x\n01-200,y\n")

        assert [row for row, _, _ in problems(html)] == ["2"]
        assert problems(html)[0][2].startswith("Nothing can be put under 01-100. 01-100 is sent to Practice ERP")
        press(dora, html)
        assert codes_in_order() == ["01", "01-100", "01-200"]

    def test_the_first_import_decides_how_codes_are_joined(self, dora: Client) -> None:
        press(dora, check_file(dora, "code,description\n01 - 5/7,x\n", delimiter="/"), delimiter="/")

        assert codes_in_order() == ["01 - 5", "01 - 5/7"]
        assert Segment.objects.get().delimiter == "/"
        assert AuditEvent.objects.filter(action="segment.changed", old="-", new="/").count() == 1

    def test_a_flat_list_is_possible(self, dora: Client) -> None:
        press(dora, check_file(dora, "code,description\n01-100,x\n01-200,y\n", delimiter="none"), delimiter="none")

        assert codes_in_order() == ["01-100", "01-200"]
        assert {item.tier for item in SegmentItem.objects.all()} == {1}

    def test_a_check_is_kept_for_a_day_and_for_its_owner(self, dora: Client, charlie: Client) -> None:
        html = check_file(dora, "code,description\n01,x\n")
        other = IMPORT.replace("sample-builders", "other-builders")
        draft = ImportDraft.objects.get()

        theirs = charlie.post(other, {"draft": draft.pk, "delimiter": "-", "import": "1"}).content.decode()
        assert "This check is no longer kept. Choose the file again." in theirs

        ImportDraft.objects.update(created_at=in_seconds(-24 * 3600 - 60))
        assert "This check is no longer kept. Choose the file again." in press(dora, html)
        assert codes_in_order() == []

        check_file(dora, "code,description\n01,x\n")
        assert not ImportDraft.objects.filter(pk=draft.pk).exists()

    def test_the_own_list_arrives_complete(self, dora: Client) -> None:
        html = check_file(dora, OWN_LIST.read_bytes())
        assert facts(html) == [397, 11, 5]

        press(dora, html)

        assert SegmentItem.objects.count() == 408
        assert SegmentItem.objects.get(full_code="12-170").description == "Artwork / Décor"

    def test_the_number_of_queries_grows_by_portions_not_by_rows(self, dora: Client) -> None:
        """Up to 70 rows are one INSERT on SQLite too; the second list meets the codes of the first."""

        def queries(tier: str, count: int) -> int:
            rows = "".join(f"{tier}-{number:04},x\n" for number in range(count))
            html = check_file(dora, f"code,description\n{rows}")
            with CaptureQueriesContext(connection) as captured:
                press(dora, html)
            return len(captured)

        assert queries("01", 10) == queries("02", 60)

    @pytest.mark.slow
    def test_twenty_thousand_rows_go_in_at_once(self, dora: Client) -> None:
        rows = "".join(f"{number // 200:03}-{number % 200 + 1:03},Text {number}\n" for number in range(20_000))

        response = dora.post(
            IMPORT, {"file": upload(f"code,description\n{rows}"), "delimiter": "-", "create_missing": "on"}
        )
        check_draft(ImportDraft.objects.get().pk)
        html = dora.get(response.headers["Location"]).content.decode()
        assert facts(html) == [20_000, 100, 0]
        press(dora, html)

        assert SegmentItem.objects.count() == 20_100

    def test_others_may_not(self, bob: Client, alice: Client, charlie: Client) -> None:
        for client, status in ((bob, 403), (alice, 403), (charlie, 404)):
            assert client.get(IMPORT).status_code == status
            assert client.post(IMPORT, {"file": upload("code,description\n1,x\n")}).status_code == status
        assert not ImportDraft.objects.exists()

    def test_other_methods_are_refused(self, dora: Client) -> None:
        assert dora.delete(IMPORT).status_code == 405


class TestExporting:
    ADDRESS = f"{CODES}export/"

    def test_who_may_look_may_export_the_list(self, bob: Client) -> None:
        make_cost_code("01-100", 'Décor, 8"')

        response = bob.get(self.ADDRESS)

        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="sample-builders-cost-codes.csv"'
        assert response.content.decode("utf-8-sig") == ('code,description\r\n01,Division 01\r\n01-100,"Décor, 8"""\r\n')

    def test_what_is_exported_imports_unchanged_elsewhere(self, dora: Client, charlie: Client) -> None:
        segment = make_segment(delimiter=".")
        for code, description in (
            ("-01", "=1+1"),
            ("-01.007", "@you"),
            ("=2.+3", "'-quoted'"),
            ("'9", "'tis"),
            ("é.1", "&"),
        ):
            make_cost_code(code, description, segment)
        segment.set_active([SegmentItem.objects.get(full_code="é").pk], False, None)
        fields = ("full_code", "description", "is_active", "tier")
        before = list(SegmentItem.objects.values_list(*fields))

        exported = dora.get(self.ADDRESS).content
        other = IMPORT.replace("sample-builders", "other-builders")
        html = charlie.post(
            other, {"file": upload(exported), "delimiter": ".", "create_missing": "on"}
        ).content.decode()
        values = dict(re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', html))
        charlie.post(other, {**values, "delimiter": ".", "create_missing": "on", "import": "1"})

        theirs = Segment.objects.get(company__slug="other-builders").items
        assert list(theirs.values_list(*fields)) == before
        assert charlie.get(self.ADDRESS.replace("sample", "other")).content == exported

    def test_a_workbook_exported_here_imports_unchanged_elsewhere(self, dora: Client, charlie: Client) -> None:
        for code, description in (("1-10", "=1+1"), ("1-007", "'-quoted'"), ("é", "@x"), ("=2", "1.10")):
            make_cost_code(code, description)
        before = list(SegmentItem.objects.values_list("full_code", "description"))

        response = dora.get(f"{self.ADDRESS}xlsx/")
        name = 'attachment; filename="sample-builders-cost-codes.xlsx"'
        assert response.headers["Content-Disposition"] == name
        assert response.headers["Content-Type"].endswith("spreadsheetml.sheet")
        other = IMPORT.replace("sample-builders", "other-builders")
        checked = {"file": upload(response.content, "list.xlsx"), "delimiter": "-", "create_missing": "on"}
        html = charlie.post(other, checked).content.decode()
        assert facts(html) == [5, 0, 0]
        values = dict(re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', html))
        charlie.post(other, {**values, "delimiter": "-", "create_missing": "on", "import": "1"})

        theirs = Segment.objects.get(company__slug="other-builders").items
        assert list(theirs.values_list("full_code", "description")) == before

    def test_the_template_is_filled_in_and_imported(self, dora: Client) -> None:
        response = dora.get(f"{IMPORT}template/")
        assert response.headers["Content-Disposition"].endswith('"sample-builders-cost-codes-template.xlsx"')
        book = load_workbook(io.BytesIO(response.content))
        book.active.append(["1-10", "Doors"])
        filled = io.BytesIO()
        book.save(filled)

        press(dora, check_file(dora, filled.getvalue()))

        assert codes_in_order() == ["1", "1-10"]

    def test_importing_it_again_changes_nothing(self, dora: Client) -> None:
        make_cost_code("01-100")

        html = check_file(dora, dora.get(self.ADDRESS).content)

        assert facts(html) == [0, 0, 0]
        assert "Nothing would change" in html
        assert 'name="import"' not in html

    def test_it_takes_one_query_for_the_codes(self, dora: Client) -> None:
        for number in range(30):
            make_cost_code(f"01-{number}")

        with CaptureQueriesContext(connection) as captured:
            dora.get(self.ADDRESS)
        assert len([query for query in captured if 'FROM "wbs_segmentitem"' in query["sql"]]) == 1

    def test_others_may_not(self, charlie: Client, dora: Client) -> None:
        make_company()

        for address in (self.ADDRESS, f"{self.ADDRESS}xlsx/", f"{IMPORT}template/"):
            assert charlie.get(address).status_code == 404
            assert dora.post(address).status_code == 405

    def test_who_may_not_import_needs_no_template(self, bob: Client) -> None:
        assert bob.get(f"{IMPORT}template/").status_code == 403
