from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime

import pytest
from django.db.models import F

from erp_integrations.base import AccountKind
from exports.models import Batch, CodeExport, Status
from tests import factories
from tests.exports.review_pages import PAGE, Desk, queries, seen, shown_in
from tests.person import fields_of

pytestmark = pytest.mark.either


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def rows_in(text: str) -> dict[int, str]:
    """Id and state of each row."""
    return {int(pk): status for pk, status in re.findall(r'<tr id="export-(\d+)" data-status="(\w+)"', text)}


def test_it_shows_what_waits_in_the_order_of_the_codes(desk: Desk) -> None:
    second, first = desk.ready("03-100"), desk.ready("01-100")
    desk.ready("02-100", status=Status.FAILED, message="No such account.")

    page = html(desk.get())

    assert list(rows_in(page)) == [first.pk, second.pk]
    assert "Export Cost Codes" in page
    assert "Reject All" in page


def test_filters_choose_by_state_and_count_them(desk: Desk) -> None:
    desk.ready("01-100")
    failed = desk.ready("01-200", status=Status.FAILED, message="No such account.")

    page = html(desk.get("?filter=failed-to-export"))

    assert rows_in(page) == {failed.pk: "FAILED"}
    assert re.search(r'filter=failed-to-export" aria-current="page">Failed to Export <span class="num">1</span>', page)
    assert re.search(r">Ready to Export <span class=\"num\">1</span>", page)
    assert "No such account." in page


def test_counts_are_exact_up_to_a_cap(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.pages.counts.CAP", 2)
    for code in ("01-100", "01-200", "01-300", "01-400"):
        desk.ready(code)

    assert '<span id="to-export" class="num">2+</span>' in html(desk.get())


def test_search_looks_into_codes_and_descriptions_whatever_the_case(desk: Desk) -> None:
    factories.make_cost_code("05-100", "Façade Panels")
    panels = desk.ready("05-100")
    desk.ready("01-100")

    assert list(rows_in(html(desk.get("?q=FAÇADE")))) == [panels.pk]
    assert list(rows_in(html(desk.get("?q=05-1")))) == [panels.pk]
    assert 'contains "nothing such"' in html(desk.get("?q=nothing such"))


@pytest.mark.parametrize("query", ["?filter=nonsense", "?rows=7", "?page=-3", "?page=99", "?page=9999999999999999999"])
def test_a_query_without_sense_shows_what_there_is(desk: Desk, query: str) -> None:
    row = desk.ready("01-100")

    assert list(rows_in(html(desk.get(query)))) == [row.pk]


def test_pages_have_the_rows_asked_for_and_lead_on(desk: Desk) -> None:
    for number in range(60):
        desk.ready(f"01-{100 + number}")

    first, second = html(desk.get("?rows=50")), html(desk.get("?rows=50&page=2"))

    assert len(rows_in(first)) == 50
    assert len(rows_in(second)) == 10
    assert 'rel="next"' in first
    assert 'rel="next"' not in second


def test_an_empty_list_says_where_codes_come_from(desk: Desk) -> None:
    assert "Nothing waits. New codes come here when an admin sends them" in html(desk.get())


def test_bob_sees_the_list_without_controls(desk: Desk) -> None:
    desk.ready("01-100")
    bob = desk.client_of(factories.make_bob())

    page = html(desk.get(client=bob))

    assert "Contract Revenue" in page
    for control in ("Export Cost Codes", "Reject All", "<select", 'type="checkbox"', "Retry"):
        assert control not in page


def test_a_division_spans_the_columns_that_there_are(desk: Desk) -> None:
    """One column more than the heading has would move all others away from it."""
    desk.ready("01-100")

    for client in (desk.client, desk.client_of(factories.make_bob())):
        page = html(desk.get(client=client))

        span = re.search(r'<tr class="group"><th colspan="(\d)"', page)
        assert span
        assert int(span[1]) == page.count('<th scope="col">')


def test_charlie_finds_nothing_here(desk: Desk) -> None:
    charlie = desk.client_of(factories.make_charlie())

    assert desk.get(client=charlie).status_code == 404
    assert desk.post("poll/", client=charlie, seen_at="").status_code == 404


def test_an_account_that_became_inactive_is_flagged(desk: Desk) -> None:
    old = factories.make_account(desk.connection, "4999", is_active=False)
    desk.ready("01-100", income_account=old)

    page = html(desk.get())

    assert "4999 Account 4999 (inactive)" in page
    assert "Is no longer active in the ERP. Choose another." in page


@pytest.mark.parametrize("kept", ["income", "expense"])
def test_keep_on_a_row_without_drop_downs_posts_both_accounts(desk: Desk, kept: str) -> None:
    """What htmx posts: the inputs of the row that hx-params names, and the button."""
    picked = {f"{kept}_picked": "income: 4000 Sales"}
    row = desk.ready("01-100", status=Status.ATTENTION, expense_account=desk.expense, **picked)
    page = html(desk.get("?filter=needs-review"))
    [button] = re.findall(rf'name="({kept}_kept)" value="([^"]+)"', page)
    fields = fields_of(
        page.partition(f'<tr id="export-{row.pk}"')[2].partition("</tr>")[0], "income", "expense", "version"
    )
    assert {"income": str(desk.income.pk), "expense": str(desk.expense.pk)}.items() <= fields.items()

    saved = desk.post(f"{row.pk}/assign/", **fields, **dict([button]), seen_at="")

    row.refresh_from_db()
    assert (saved.status_code, row.income_account, row.expense_account) == (200, desk.income, desk.expense)
    assert getattr(row, f"{kept}_picked") == getattr(desk, kept).identity
    assert "when it was picked" not in html(desk.get("?filter=needs-review"))


def test_an_account_that_the_default_filled_in_shows_as_inherited(desk: Desk) -> None:
    other = factories.make_account(desk.connection, "4100")
    desk.ready("01-100", income_from="Practice ERP")
    desk.ready("01-200", income_account=other)

    page = html(desk.get())

    assert "4100 Account 4100</option>" in page
    assert page.count("Income: default of Practice ERP") == 1


def test_a_code_that_changed_in_the_wbs_since_its_export_says_so(desk: Desk) -> None:
    desk.ready("01-100", status=Status.SUCCESS, remote_id="7")
    changed = desk.ready("01-200", status=Status.SUCCESS, remote_id="8")
    factories.SegmentItem.objects.filter(pk=changed.item_id).update(version=2)

    assert html(desk.get("?filter=synced")).count("Changed since export") == 1
    assert "Changed since export" in html(desk.get(f"{changed.pk}/"))


def test_options_are_sent_once_never_per_row(desk: Desk) -> None:
    factories.make_account(desk.connection, "1000", AccountKind.OTHER, name="Bank")
    factories.make_account(desk.connection, "4999", is_active=False)
    for code in ("01-100", "01-200"):
        desk.ready(code, income_account=None)

    page = html(desk.get())

    assert page.count("4000 Contract Revenue") == page.count("5000 Job Labor") == 1
    assert page.index('label="Other profit and loss"') > page.index("4000 Contract Revenue")
    assert "Bank" not in page
    assert "4999" not in page


def test_texts_from_outside_are_escaped(desk: Desk) -> None:
    texts = {name: f"<script>alert('{name}')</script>" for name in ("message", "detail", "description")}
    desk.ready("01-100", status=Status.FAILED, **texts)

    page = html(desk.get("?filter=all"))

    assert page.count("&lt;script&gt;alert(") >= len(texts)
    assert "<script>alert" not in page
    assert "><script>" not in html(desk.get("?filter=all&q=%22><script>")).partition("<body")[2]


def test_waiting_for_a_retry_is_told_in_the_companys_time_zone(desk: Desk) -> None:
    desk.alice.company.time_zone = "America/Chicago"
    desk.alice.company.save()
    desk.ready("01-100", status=Status.QUEUED, due_at=datetime(2126, 3, 2, 18, 5, tzinfo=UTC), tries=2)

    page = html(desk.get("?filter=in-progress"))

    assert "Retrying at Mar 2, 2126, 12:05" in page


class TestWeight:
    """The page's budgets: whatever the length of the list, and with a chart of 400 accounts."""

    @pytest.fixture
    def full(self, desk: Desk) -> Desk:
        places = ["Residential", "Commercial", "Municipal", "Industrial", "Highway", "Utilities", "Marine", "Tenant"]
        trades = ["Concrete", "Masonry", "Metals", "Carpentry", "Roofing", "Glazing", "Paint", "Plumbing", "Electrical"]
        names = [f"{place} {trade}" for place in places for trade in trades]
        income = [
            factories.make_account(desk.connection, str(4001 + n * 5), name=f"Revenue: {names[n * 11 % 72]}")
            for n in range(150)
        ]
        expense = [
            factories.make_account(desk.connection, str(5001 + n * 5), "expense", name=f"Cost: {names[n * 7 % 72]}")
            for n in range(248)
        ]
        for n in range(100):  # each division has an account or two of its own
            division = n // 8
            factories.make_cost_code(f"{division + 1:02}-{100 + n}", f"{names[n * 5 % 72]} {trades[n % 9].lower()}")
            accounts = {
                "income_account": income[division * 3 + n % 2],
                "expense_account": expense[division * 5 + n % 2],
            }
            desk.ready(f"{division + 1:02}-{100 + n}", **accounts)
        return desk

    def test_a_hundred_rows_weigh_little(self, full: Desk) -> None:
        response = full.client.get(PAGE, headers={"Accept-Encoding": "gzip"})

        raw = gzip.decompress(response.content)
        assert len(rows_in(raw.decode())) == 100
        assert raw.count(b"<option") > 400
        assert len(raw) <= 160_000
        assert len(response.content) <= 12_000

    def test_an_answer_tells_of_each_row_what_changed_alone(self, full: Desk) -> None:
        """Text in place of two drop-downs, and "Queued" for all of them once."""
        answer = html(full.post("export/", seen=shown_in(html(full.get()))))
        polled = html(full.post("poll/", seen=shown_in(html(full.get("?filter=in-progress")))))
        CodeExport.objects.update(status=Status.EXPORTING, moves=F("moves") + 1, version=F("version") + 1)
        moved = html(full.post("poll/", seen=shown_in(answer)))

        assert (len(rows_in(answer)), len(rows_in(polled)), len(rows_in(moved))) == (100, 0, 100)
        assert (answer.count("Cancel</button>"), moved.count(">Exporting<")) == (1, 1)
        assert len(answer.encode()) <= 22_000
        assert len(moved.encode()) <= 12_000

    def test_it_takes_the_same_few_queries_for_any_length(self, full: Desk) -> None:
        with queries() as of_a_hundred:
            full.get()
        full.connection.code_exports.filter(code__lt="09").delete()
        with queries() as of_ten:
            full.get()

        assert len(of_a_hundred) == len(of_ten)
        assert len(of_a_hundred) <= 8


class TestPoll:
    def test_it_is_silent_when_nothing_changed(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.QUEUED)
        mark = re.search(r'name="mark" value="([^"]+)"', html(desk.get()))[1]

        assert desk.post("poll/", seen=seen(row), mark=mark).status_code == 204

    def test_it_tells_rows_whose_state_changed_and_only_those(self, desk: Desk) -> None:
        moved, same = desk.ready("01-100", status=Status.QUEUED), desk.ready("01-200", status=Status.QUEUED)
        before = seen(moved, same)
        desk.connection.code_exports.filter(pk=moved.pk).update(
            status=Status.SUCCESS, remote_id="7", moves=1, version=2
        )

        answer = html(desk.post("poll/", seen=before))

        assert f'<tr id="export-{moved.pk}" data-status="SUCCESS"' in answer
        assert f'id="export-{same.pk}"' not in answer

    def test_of_a_row_only_the_cells_that_changed_are_told(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.QUEUED, expense_account=desk.expense)
        desk.ready("01-200", status=Status.QUEUED)
        before = shown_in(html(desk.get("?filter=in-progress")))
        other = factories.make_account(desk.connection, "4100")
        desk.connection.code_exports.filter(pk=row.pk).update(
            status=Status.EXPORTING, moves=1, version=3, income_account=other
        )

        answer = html(desk.post("poll/", seen=before))

        assert re.findall(r'<td class="(\w+)"', answer) == ["income", "status"]
        assert '<td class="income">4100 Account 4100</td>' in answer

    @pytest.mark.parametrize("shows", ["0:1", "0:1:::", "0:1:choose0:choose0:0"])
    def test_cells_that_the_page_may_show_otherwise_are_told(self, desk: Desk, shows: str) -> None:
        """After an auto-save it does not say how; with an account in trouble more is shown than the account."""
        row = desk.ready("01-100", status=Status.EXPORTING, moves=2)

        answer = html(desk.post("poll/", seen=[f"{row.pk}:{shows}"]))

        assert re.findall(r'<td class="(\w+)"', answer) == ["code", "description", "income", "expense", "status"]

    def test_a_code_that_was_sent_again_as_another_is_told_with_its_words(self, desk: Desk) -> None:
        """Else who picks an account for the one that the page shows picks it for the other."""
        row = desk.ready("01-100", status=Status.EXPORTING)
        before = shown_in(html(desk.get("?filter=in-progress")))
        desk.connection.code_exports.filter(pk=row.pk).update(
            status=Status.READY, moves=2, item_version=2, description="Steel <i>"
        )

        answer = html(desk.post("poll/", seen=before))

        code = f'<td class="code"><a href="{row.pk}/">01-100</a></td>'
        assert f'{code}<td class="description">Steel &lt;i&gt;</td>' in answer

    def test_an_account_in_trouble_is_told_with_each_move(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.QUEUED, income_picked="income: 4000 Sales")
        before = shown_in(html(desk.get("?filter=in-progress")))
        desk.connection.code_exports.filter(pk=row.pk).update(status=Status.EXPORTING, moves=1, version=2)

        answer = html(desk.post("poll/", seen=before))

        assert '<td class="income">4000 Contract Revenue</td>' in answer
        assert "trouble" not in answer

    def test_a_status_that_rows_share_is_told_once_and_no_other(self, desk: Desk) -> None:
        one, two = (desk.ready(code, status=Status.QUEUED, moves=1) for code in ("01-100", "01-200"))
        third = desk.ready("01-300", status=Status.FAILED, moves=1, message="No such account.")

        answer = html(desk.post("poll/", seen=[f"{row.pk}:0:1" for row in (one, two, third)]))

        told = [row.partition("</tr>")[0] for row in answer.split('<tr id="export-')[1:]]
        assert ["status" in row.partition(">")[2] for row in told] == [True, False, True]
        assert 'formaction="cancel/"' in told[0]
        assert "No such account." in told[2]

    def test_a_row_whose_accounts_alone_changed_is_left_alone(self, desk: Desk) -> None:
        row = desk.ready("01-100")
        before = seen(row)
        desk.connection.code_exports.filter(pk=row.pk).update(version=2)

        assert f'id="export-{row.pk}"' not in html(desk.post("poll/", seen=before))

    def test_it_tells_a_try_that_came_to_nothing_though_the_state_is_what_it_was(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.QUEUED)
        before = seen(row)
        desk.connection.code_exports.filter(pk=row.pk).update(version=3)

        assert f'id="export-{row.pk}"' in html(desk.post("poll/", seen=before))

    def test_it_tells_at_once_that_the_erp_refuses_us(self, desk: Desk) -> None:
        desk.ready("01-100", status=Status.QUEUED)
        mark = re.search(r'name="mark" value="([^"]+)"', html(desk.get()))[1]
        desk.connection.note_broken(desk.alice.user, "The password is wrong.")

        answer = html(desk.post("poll/", mark=mark))

        assert 'id="connection-context" hx-swap-oob="true"' in answer
        assert "Needs attention" in answer
        assert "The password is wrong." in answer

    def test_it_goes_on_while_something_is_unfinished_and_ends_with_the_outcome(self, desk: Desk) -> None:
        batch = Batch.objects.create(company=desk.alice.company, connection=desk.connection, kind="export", count=2)
        row = desk.ready("01-100", status=Status.QUEUED, export_batch=batch)
        desk.ready("01-200", status=Status.FAILED, export_batch=batch)

        running = html(desk.post("poll/"))
        desk.connection.code_exports.filter(pk=row.pk).update(status=Status.SUCCESS, remote_id="7")
        ended = html(desk.post("poll/", batch=batch.pk))

        assert "every 1s" in running
        assert "1 of 2" in running
        assert "every 1s" not in ended
        assert "1 Success, 1 Failed." in ended
        assert "Show failed" in ended

    def test_bob_may_watch(self, desk: Desk) -> None:
        bob = desk.client_of(factories.make_bob())

        assert desk.post("poll/", client=bob, seen_at="").status_code == 200

    def test_it_takes_few_queries(self, desk: Desk) -> None:
        rows = [desk.ready(f"01-{n}", status=Status.QUEUED) for n in range(100, 120)]
        with queries() as ran:
            desk.post("poll/", seen=seen(*rows), seen_at="")

        assert len(ran) <= 7

    def test_garbage_in_what_was_seen_is_ignored(self, desk: Desk) -> None:
        assert desk.post("poll/", seen=["x", "1:2", "9" * 30 + ":1:1"], batch="x").status_code == 200
