from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages

from erp_integrations import views
from erp_integrations.adapters.practice.models import PracticeAccount, PracticeItem
from erp_integrations.models import Question
from exports.models import Batch, CodeExport, Drift, RemoteItem, Status
from exports.queue.ownership import LOST, NAMED
from exports.services.sendable import reference_of
from tests import factories
from tests.exports.review_pages import PAGE, Desk, let_a_worker_answer, queries

pytestmark = pytest.mark.either

LINK = "/companies/sample-builders/erp-integrations/practice-erp/link/"


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: Any) -> str:
    return response.content.decode()


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def ask(desk: Desk, path: str, data: dict[str, Any] | None = None) -> list[str]:
    """Post to the page and look at it once a worker has answered; what it says then."""
    posted = desk.client.post(LINK + path, data or {})
    assert "You may leave this page" in html(desk.client.get(posted["Location"]))
    let_a_worker_answer()
    return [str(message) for message in desk.client.get(posted["Location"]).context["messages"]]


def hold(desk: Desk, code: str, name: str = "Theirs") -> PracticeItem:
    """An item that someone typed into the Practice ERP."""
    books = desk.connection.pk
    account, _ = PracticeAccount.objects.get_or_create(books=books, number="4000", name="Sales", kind="income")
    return PracticeItem.objects.create(
        books=books, code=code, code_key=code.casefold(), name=name, income_account=account
    )


@pytest.mark.django_db(transaction=True)
class TestLinking:
    def test_items_are_read_and_linked_without_javascript(self) -> None:
        desk = Desk()
        rows = [desk.ready("01-100"), desk.ready("01-200")]
        items = [hold(desk, "01-100"), hold(desk, "1 200")]

        assert "Compare with Practice ERP first." in html(desk.client.get(LINK))
        assert ask(desk, "read/") == ["2 items read from Practice ERP."]
        page = html(desk.client.get(LINK))
        assert f'name="export" value="{rows[1].pk}:{items[1].pk}"' in page
        assert ("Same code" in page, "Code alike" in page) == (True, True)

        ticked = {"export": [f"{row.pk}:{item.pk}" for row, item in zip(rows, items, strict=True)]}
        assert ask(desk, "selected/", ticked) == ["Linked 2 cost codes."]
        assert set(CodeExport.objects.values_list("status", flat=True)) == {"SUCCESS"}
        assert "No code in review looks like an item" in html(desk.client.get(LINK))

    def test_an_item_that_is_gone_meanwhile_is_told(self) -> None:
        desk = Desk()
        row = desk.ready("01-100")
        item = hold(desk, "01-100")
        ask(desk, "read/")
        seen = {"export": f"{row.pk}:{item.pk}"}
        item.delete()

        assert ask(desk, "selected/", seen) == [
            "Not linked. 01-100: The ERP no longer has the item that you saw as 01-100. Compare with the ERP again."
        ]

    def test_an_erp_that_cannot_be_reached_is_told(self) -> None:
        desk = Desk()
        desk.connection.options = {"behaviour": "down"}
        desk.connection.save()

        told = ask(desk, "read/")

        assert told == ["The items could not be read. The Practice ERP cannot be reached."]
        assert "The last try failed: The Practice ERP cannot be reached." in html(desk.client.get(LINK))


@pytest.mark.parametrize("ticked", ["", "x", "1", "1:", ":3", "x:3"])
def test_without_ticks_nothing_is_linked(desk: Desk, ticked: str) -> None:
    desk.ready("01-100")

    assert said(desk.client.post(f"{LINK}selected/", {"export": ticked})) == ["Tick the cost codes to link."]


@pytest.mark.django_db(transaction=True)
class TestTwoLostItemsOfOneCode:
    """The one was sent as 01-100 and is called as another code by now, the other is called as it is."""

    @pytest.fixture
    def desk(self) -> Desk:
        desk = Desk()
        row = desk.ready("01-100")
        factories.make_cost_code("01-200")
        for code, reference in (("01-200", reference_of(row.item.guid, desk.connection)), ("01:100", "c0ffee-1")):
            item = hold(desk, code)
            PracticeItem.objects.filter(pk=item.pk).update(external_id=reference)
        ask(desk, "read/")
        return desk

    def rows(self, desk: Desk) -> dict[str, tuple[str, dict[str, str]]]:
        """By the name of the item: its tick, and the hidden fields of its row."""
        table = html(desk.client.get(f"{LINK}lost/")).partition("<tbody>")[2]
        found = {}
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
            [tick] = re.findall(r'name="export" value="([^"]+)"', row)
            [name] = re.findall(r'data-label="Item in the ERP">([^<]+)<', row)
            found[name] = (tick, dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', row)))
        return found

    @pytest.mark.parametrize("name", ["01-200", "01:100"])
    def test_the_one_that_is_ticked_is_linked(self, desk: Desk, name: str) -> None:
        rows = self.rows(desk)
        fields = {key: value for _, hidden in rows.values() for key, value in hidden.items()}

        told = ask(desk, "selected/", {**fields, "export": rows[name][0], "back": "lost", "confirm": "1"})

        assert told == ["Linked 1 cost code."]
        assert CodeExport.objects.get().remote_id == str(PracticeItem.objects.get(code=name).pk)

    def test_each_row_tells_what_its_own_item_looks_like(self, desk: Desk) -> None:
        page = html(desk.client.get(f"{LINK}lost/"))
        rows = {name: next(iter(hidden.values())) for name, (_, hidden) in self.rows(desk).items()}

        assert rows == {"01:100": LOST, "01-200": f"{LOST} {NAMED.format(name='01-200')}"}
        assert ('aria-label="Select 01:100 for 01-100"' in page, page.count(f"this one. {LOST}")) == (True, 2)

    def test_both_together_are_refused(self, desk: Desk) -> None:
        ticks = [tick for tick, _ in self.rows(desk).values()]
        asked = Question.objects.count()

        answer = desk.client.post(f"{LINK}selected/", {"export": ticks, "back": "lost", "confirm": "1"})

        assert said(answer) == ["Tick one item for each cost code."]
        assert (Question.objects.count(), CodeExport.objects.get().status) == (asked, "READY")


def test_others_are_refused(desk: Desk) -> None:
    for member, status in ((factories.make_bob(), 403), (factories.make_charlie(), 404)):
        client = desk.client_of(member)
        assert client.get(LINK).status_code == status
        assert client.get(f"{LINK}lost/").status_code == status
        assert client.post(f"{LINK}read/").status_code == status
        assert client.post(f"{LINK}selected/", {"export": "1"}).status_code == status
    assert "Link Existing Items" not in html(
        desk.get(client=desk.client_of(desk.alice.company.members.get(user__username="bob")))
    )


def test_an_erp_that_does_not_list_its_items_has_a_page_that_says_what_happens_instead(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    assert "Link Existing Items" in html(desk.get())
    able = desk.connection.capabilities
    monkeypatch.setattr(desk.connection.adapter_class, "capabilities", replace(able, lists_items=False))

    page = html(desk.client.get(LINK))
    assert "does not list its items" in page
    assert "Compare with ERP" not in page
    assert "Link Existing Items" in html(desk.get())
    assert desk.client.get(f"{LINK}lost/").status_code == 404
    assert desk.client.post(f"{LINK}read/").status_code == 404


def test_the_page_takes_the_same_queries_for_any_length(desk: Desk) -> None:
    def add(number: int) -> None:
        desk.ready(f"01-{number}")
        RemoteItem.objects.create(
            connection=desk.connection, remote_id=number, code=f"01-{number}", is_ours=False, is_active=True
        )

    add(100)
    with queries() as few:
        desk.client.get(LINK)
    for number in range(101, 140):
        add(number)
    with queries() as many:
        page = html(desk.client.get(LINK))

    assert page.count('name="export"') == 40
    assert len(few) == len(many)


def attention(desk: Desk, item: PracticeItem, code: str = "01-100", **held: Any) -> CodeExport:
    """A code that met an item of the ERP which carries another reference."""
    receipt = {"remote_id": str(item.pk), "code": item.code, "description": item.name, "is_ours": False}
    receipt |= {"income_account": None, "expense_account": None, "owner": item.external_id or "", **held}
    return desk.ready(code, status=Status.ATTENTION, message="It exists.", receipt=receipt)


@pytest.mark.django_db(transaction=True)
class TestAnothersItem:
    def test_the_list_leads_to_the_page_of_the_code_which_asks_to_confirm_just_that(self) -> None:
        desk = Desk()
        other = desk.ready("01-200", status=Status.READY)
        item = hold(desk, "01-100")
        PracticeItem.objects.update(external_id=other.reference)
        item.refresh_from_db()
        row = attention(desk, item)
        claim = "It carries the reference of 01-200."

        listed = html(desk.get("?filter=needs-review"))
        assert f'<a class="btn" href="{row.pk}/">Link</a>' in listed
        assert f'formaction="{row.pk}/link/"' not in listed
        page = html(desk.get(f"{row.pk}/"))
        assert f'name="despite" value="{claim}" required' in page

        plain = desk.post(f"{row.pk}/link/", htmx=False, back=row.pk, remote_id=item.pk)
        assert plain["Location"] == f"{PAGE}{row.pk}/"
        assert "You may leave this page" in html(desk.get(f"{row.pk}/"))
        let_a_worker_answer()
        assert claim in html(desk.get(f"{row.pk}/"))
        row.refresh_from_db()
        assert row.status == "ATTENTION"
        desk.post(f"{row.pk}/link/", htmx=False, back=row.pk, remote_id=item.pk, despite=claim)
        let_a_worker_answer()

        row.refresh_from_db()
        assert (row.status, row.remote_id) == ("SUCCESS", str(item.pk))
        history = html(desk.get(f"{row.pk}/")).split("<h2>History")[1]
        assert f"Success: Confirmed by the one who linked it: {claim}" in history

    def test_who_may_only_read_is_not_asked(self) -> None:
        desk = Desk()
        item = hold(desk, "01-100")
        row = attention(desk, item, owner="c0ffee-1")

        assert 'name="despite"' not in html(desk.get(f"{row.pk}/", desk.client_of(factories.make_bob())))

    def test_an_item_of_nobody_is_linked_with_one_click(self) -> None:
        desk = Desk()
        item = hold(desk, "01-100")
        row = attention(desk, item)

        assert f'formaction="{row.pk}/link/"' in html(desk.get("?filter=needs-review"))
        asking = html(desk.post(f"{row.pk}/link/", remote_id=item.pk))
        waits_for = re.search(r'data-poll hx-get="([^"]+stay=1)"', asking)
        assert waits_for
        assert desk.client.get(waits_for[1], headers={"HX-Request": "true"}).status_code == 204
        let_a_worker_answer()
        told = desk.client.get(waits_for[1], headers={"HX-Request": "true"})

        assert "Linked 1 cost code." in html(told)
        assert "answered" in told["HX-Trigger"], "which has the list look at its rows"
        row.refresh_from_db()
        assert row.status == "SUCCESS"


@pytest.mark.django_db(transaction=True)
class TestAnswersOfLinks:
    def test_one_that_comes_while_its_page_is_made_is_told_beside_what_it_changed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk, look = Desk(), views.asked_before
        row = attention(desk, item := hold(desk, "01-100"))
        desk.post(f"{row.pk}/link/", htmx=False, back=row.pk, remote_id=item.pk)

        def answered_just_before(*words: Any) -> list[Question]:
            let_a_worker_answer()
            return look(*words)

        monkeypatch.setattr(views, "asked_before", answered_just_before)
        page = html(desk.get(f"{row.pk}/"))

        assert "Linked 1 cost code." in page
        assert "<h2>Unlink</h2>" in page

    @pytest.fixture
    def rows(self) -> tuple[Desk, list[CodeExport]]:
        desk = Desk()
        desk.connection.options = {"behaviour": "down"}
        desk.connection.save()
        return desk, [attention(desk, hold(desk, code), code) for code in ("01-100", "01-200")]

    def test_the_list_that_was_left_tells_them_once_on_return(self, rows: tuple[Desk, list[CodeExport]]) -> None:
        desk, (first, second) = rows
        for row in (first, second):
            desk.post(f"{row.pk}/link/", remote_id=row.receipt["remote_id"])  # type: ignore[index]
        assert "You may leave this page" in html(desk.get("?filter=needs-review"))
        let_a_worker_answer()

        back = html(desk.get("?filter=needs-review"))
        assert all(f"Not linked. {code}: The Practice ERP cannot be reached." in back for code in ("01-100", "01-200"))
        assert "You may leave this page" not in back
        assert "Not linked." not in html(desk.get("?filter=needs-review"))

    def test_the_last_banner_tells_those_whose_place_it_took(self, rows: tuple[Desk, list[CodeExport]]) -> None:
        desk, (first, second) = rows
        desk.post(f"{first.pk}/link/", remote_id=first.receipt["remote_id"])  # type: ignore[index]
        banner = html(desk.post(f"{second.pk}/link/", remote_id=second.receipt["remote_id"]))  # type: ignore[index]
        waits_for = re.search(r'data-poll hx-get="([^"]+stay=1)"', banner)
        assert waits_for
        let_a_worker_answer()

        told = html(desk.client.get(waits_for[1], headers={"HX-Request": "true"}))

        assert "01-100: The Practice ERP cannot be reached." in told
        assert "01-200: The Practice ERP cannot be reached." in told


class TestCode:
    def test_a_synced_code_is_unlinked_with_a_reason(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.SUCCESS, remote_id="7")
        factories.make_hold(row.item, connection=desk.connection)
        assert "Unlink" in html(desk.get(f"{row.pk}/"))

        refused = desk.post(f"{row.pk}/unlink/", htmx=False, back=row.pk, reason=" ")
        assert "Type why 01-100 is unlinked." in html(desk.get(f"{row.pk}/"))
        answer = desk.post(f"{row.pk}/unlink/", htmx=False, back=row.pk, reason="Wrong item")

        assert refused["Location"] == answer["Location"] == f"{PAGE}{row.pk}/"
        page = html(desk.get(f"{row.pk}/"))
        assert "Unlinked by alice: Wrong item" in page
        assert "Rejected:" not in page.split("History")[0]

    def test_a_code_in_review_is_rejected_with_its_reason_and_can_be_undone(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.ATTENTION, message="It exists.")

        desk.post(f"{row.pk}/reject/", htmx=False, back=row.pk, reason="Rename it")

        row.refresh_from_db()
        batch = Batch.objects.get()
        assert (row.status, row.message, batch.reason) == ("REJECTED", "Rename it", "Rename it")
        assert f"batches/{batch.pk}/undo/" in html(desk.get(f"{row.pk}/"))

    def test_who_keeps_the_wbs_too_renames_it_in_one_go(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.ATTENTION, message="It exists.")
        dora = desk.client_of(desk.dora)
        assert "Rename" in html(desk.get(f"{row.pk}/", dora))
        assert 'name="rename"' not in html(desk.get(f"{row.pk}/")), "alice may not edit the WBS"

        answer = desk.post(f"{row.pk}/reject/", dora, htmx=False, back=row.pk, reason="", rename="1")

        row.refresh_from_db()
        codes = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
        assert (row.status, answer["Location"]) == ("REJECTED", f"{codes}{row.item_id}/")

    def test_what_cannot_be_rejected_or_unlinked_has_no_control_for_it(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.EXPORTING)
        page = html(desk.get(f"{row.pk}/"))

        assert ("reject-reason" in page, "unlink-reason" in page) == (False, False)

    def test_what_happened_in_the_erp_is_shown_beside_ours(self, desk: Desk) -> None:
        held = {"remote_id": "7", "code": "01-100", "description": "Theirs", "income_account": "4000"}
        row = desk.ready(
            "01-100",
            status=Status.SUCCESS,
            remote_id="7",
            drift=Drift.CHANGED,
            erp_values={**held, "expense_account": None},
        )
        desk.ready("01-200", status=Status.SUCCESS, remote_id="8", drift=Drift.ORPHANED)

        assert "Orphaned" in html(desk.get("?filter=synced"))
        page = html(desk.get(f"{row.pk}/"))
        assert "Changed in ERP" in page
        assert "Theirs" in page
        listed = html(desk.client.get(LINK))
        assert ("Orphaned" in listed, "Changed in ERP" in listed) == (True, True)

        desk.post(f"{row.pk}/accept-change/", htmx=False, back=row.pk)
        page = html(desk.get(f"{row.pk}/"))
        assert "01-100 is taken as it is in the ERP." in page
        assert "Changed in ERP" not in page
        desk.post(f"{row.pk}/accept-change/", htmx=False, back=row.pk)
        assert "01-100 has moved on meanwhile. Nothing was changed." in html(desk.get(f"{row.pk}/"))
