"""A long list is read and checked in the background; its row is the truth, whoever does the work."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from config.celery import app
from core.clock import in_seconds
from tests.factories import make_cost_code
from tests.patience import PATIENCE_S, is_quick
from tests.servers.celery import Worker
from tests.servers.redis import Redis
from tests.wbs.lists.workbooks import HEADING, workbook
from tests.wbs.test_views_lists import IMPORT, codes_in_order, facts, press, problems, upload
from wbs import import_drafts
from wbs.lists.bounds import silent
from wbs.lists.choices import Choices
from wbs.models import ImportDraft, Segment, drafts
from wbs.tasks import check_draft

CODES = [f"01-{number}" for number in range(6)]
LIST = "code,description\n" + "".join(f"{code},Text\n" for code in CODES)
HTMX = {"HX-Request": "true", "HX-Target": "check-progress"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def five_rows_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "LONG_ROWS", 5)
    monkeypatch.setattr(import_drafts, "PORTION", 2)


def check_long(client: Client, content: str | bytes = LIST, **choices: str) -> str:
    """Upload the list and press "Check File"; the address of the check."""
    choices = {"delimiter": "-", "create_missing": "on", **choices}
    response = client.post(IMPORT, {"file": upload(content), **choices})
    assert response.headers["Location"] == f"{IMPORT}{ImportDraft.objects.latest('pk').pk}/"
    return response.headers["Location"]


def look(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def only_in_tasks(work: Callable[[ImportDraft], None]) -> Callable[[ImportDraft], None]:
    """The click finds it answered."""

    def guarded(self: ImportDraft) -> None:
        if self.is_open:
            assert sys._getframe(1).f_code.co_name == "check_draft"
            work(self)

    return guarded


def draft() -> ImportDraft:
    return ImportDraft.objects.select_related("segment").get()


def listed(client: Client) -> str:
    """The last column of the list of checks."""
    return " ".join(re.findall(r'data-label="State">\s*(.*?)\s*</td>', look(client, IMPORT), re.DOTALL)[0].split())


def test_the_check_can_be_left_and_found_again_until_it_is_imported(dora: Client) -> None:
    address = check_long(dora)
    assert "Reading list.csv: 0 of 7 rows" in look(dora, address)
    assert listed(dora) == "Checking"

    check_draft(draft().pk)

    assert listed(dora) == "Checked"
    html = look(dora, address)
    assert facts(html) == [6, 1, 0]
    assert "6 codes" not in html
    assert "7 codes were imported from list.csv." in press(dora, html)
    assert codes_in_order() == ["01", *CODES]
    assert listed(dora) == "7 imported"
    assert "7 codes were imported from list.csv already." in look(dora, address)


def test_the_poll_tells_how_far_it_is_and_ends_with_the_page(dora: Client) -> None:
    address = check_long(dora)

    part = dora.get(address, headers=HTMX)
    assert part.content.decode().strip().startswith('<div id="check-progress"')
    check_draft(draft().pk)

    assert dora.get(address, headers=HTMX).headers["HX-Refresh"] == "true"


def test_reading_and_checking_are_told_apart(dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    check_long(dora, workbook(HEADING, *([code, "Text"] for code in CODES)))
    told: list[tuple[int, bool]] = []
    tell = import_drafts._tell

    def spy(self: ImportDraft, done: int, **values: Any) -> None:
        tell(self, done, **values)
        told.extend(ImportDraft.objects.values_list("done", "is_read"))

    monkeypatch.setattr(import_drafts, "_tell", spy)
    check_draft(draft().pk)

    read, checked = ([done for done, is_read in dict.fromkeys(told) if is_read is each] for each in (False, True))
    assert read == [0, 2, 4, 6]
    assert checked == [0, 2, 4]
    assert draft().content is None
    assert draft().done == draft().total == 7  # with the heading


@pytest.mark.parametrize(
    ("asked_s", "worked_s", "is_done"),
    [
        (1, None, False),  # a worker may still come
        (4, None, True),  # none came
        (60, 5, False),  # one is at work
        (60, 31, True),  # it is gone
    ],
)
def test_who_asks_does_the_work_that_nobody_does(
    dora: Client, asked_s: int, worked_s: int | None, is_done: bool
) -> None:
    address = check_long(dora)
    worked_at = None if worked_s is None else in_seconds(-worked_s)
    ImportDraft.objects.update(asked_at=in_seconds(-asked_s), worked_at=worked_at)

    html = look(dora, address)

    assert ("check-title" in html) == is_done
    assert (facts(html) == [6, 1, 0]) == is_done


def test_without_a_broker_the_click_answers_and_the_check_is_done_when_asked_for(dora: Client) -> None:
    before = app.conf.broker_url
    with Redis() as redis:
        app.conf.broker_url = redis.url
    try:
        assert is_quick(lambda: check_long(dora), 5)
        address = check_long(dora)
    finally:
        app.conf.broker_url = before
    ImportDraft.objects.update(asked_at=in_seconds(-4))

    assert facts(look(dora, address)) == [6, 1, 0]


def test_the_worker_is_woken_with_the_id_alone(dora: Client) -> None:
    with app.connection_for_read() as broker:
        queue = broker.SimpleQueue(app.conf.task_default_queue)
        queue.clear()
        check_long(dora)
        message = queue.get(timeout=PATIENCE_S)
        message.ack()

    assert message.headers["task"] == "wbs.tasks.check_draft"
    assert message.payload[0] == [draft().pk]


def test_a_call_may_come_twice_or_for_a_draft_that_is_gone(dora: Client) -> None:
    check_long(dora)
    pk = draft().pk

    check_draft(pk)
    found = draft().report
    make_cost_code("01-1")
    check_draft(pk)
    check_draft(pk + 1)

    assert draft().report == found


def test_what_was_found_for_an_earlier_question_is_not_kept(dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = check_long(dora)
    known_codes = Segment.known_codes

    def asked_meanwhile(self: Segment) -> Any:
        monkeypatch.setattr(Segment, "known_codes", known_codes)
        draft().ask(Choices("-", creates_divisions=False))
        return self.known_codes()

    monkeypatch.setattr(Segment, "known_codes", asked_meanwhile)
    check_draft(draft().pk)
    assert draft().report is None

    check_draft(draft().pk)
    assert facts(look(dora, address)) == [0, 0, 6]


def test_another_choice_is_another_question(dora: Client) -> None:
    check_long(dora)
    check_draft(draft().pk)

    response = dora.post(IMPORT, {"draft": draft().pk, "delimiter": "none"})
    check_draft(draft().pk)

    html = look(dora, response.headers["Location"])
    assert facts(html) == [6, 0, 0]
    assert '<option value="none" selected>' in html


def test_what_changed_since_the_check_is_shown_before_anything_is_imported(dora: Client) -> None:
    address = check_long(dora)
    check_draft(draft().pk)
    html = look(dora, address)
    make_cost_code("01-3", "Someone was quicker")

    html = press(dora, html)

    assert "Nothing was imported yet. The list or a choice changed" in html
    assert [code for _, code, _ in problems(html)] == ["01-3"]
    press(dora, html)
    assert codes_in_order() == ["01", *CODES]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"code,description\n" + b"1,\x81\n" * 6, "neither UTF-8 nor Windows-1252"),
    ],
)
def test_a_long_file_that_cannot_be_read_is_told(dora: Client, content: str | bytes, sentence: str) -> None:
    address = check_long(dora, content)
    check_draft(draft().pk)

    assert sentence in look(dora, address)
    assert 'name="import"' not in look(dora, address)


def test_a_file_that_is_too_large_is_told_at_once(dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    html = dora.post(IMPORT, {"file": upload("1,x\n" * 3_000_000), "delimiter": "-"}).content.decode()

    assert "larger than 10 MB" in html
    assert not ImportDraft.objects.exists()


def test_nothing_is_imported_from_a_list_that_is_not_read_yet(dora: Client) -> None:
    check_long(dora)

    dora.post(IMPORT, {"draft": draft().pk, "delimiter": "-", "import": "1"})

    assert codes_in_order() == []
    assert draft().imported is None


def test_others_do_not_find_it(dora: Client, bob: Client, charlie: Client) -> None:
    address = check_long(dora)

    assert bob.get(address).status_code == 403
    assert charlie.get(address).status_code == 404
    assert charlie.get(address.replace("sample-builders", "other-builders")).status_code == 404
    assert dora.get(address.replace("cost-codes", "cost-types")).status_code == 404
    ImportDraft.objects.update(created_at=in_seconds(-24 * 3600 - 60))
    assert dora.get(address).status_code == 404
    assert "Checks of the last day" not in look(dora, IMPORT)


SHORT = "code,description\n01,Text\n"


def test_a_short_list_is_checked_by_a_worker_within_the_click(dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "PATIENCE_S", 60)
    woken: list[list[int]] = []

    def wake(task: str, ids: list[int]) -> None:
        woken.append(ids)
        check_draft(ids[0])

    monkeypatch.setattr("core.broker.wake", wake)
    monkeypatch.setattr(import_drafts, "work", only_in_tasks(import_drafts.work))

    response = dora.post(IMPORT, {"file": upload(SHORT), "delimiter": "-", "create_missing": "on"})

    assert response.status_code == 200
    assert facts(response.content.decode()) == [1, 0, 0]
    assert woken == [[draft().pk]]


def test_a_short_list_that_a_worker_is_slow_with_shows_how_far_it_is(
    dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wake(task: str, ids: list[int]) -> None:
        ImportDraft.objects.update(worked_at=Now())

    monkeypatch.setattr("core.broker.wake", wake)

    response = dora.post(IMPORT, {"file": upload(SHORT), "delimiter": "-"})

    assert response.headers["Location"] == f"{IMPORT}{draft().pk}/"
    assert "Reading list.csv" in look(dora, response.headers["Location"])


def test_a_short_list_that_a_worker_has_read_and_not_checked_yet_shows_that(
    dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wake(task: str, ids: list[int]) -> None:
        found = draft()
        import_drafts._claim(found)
        import_drafts._grid(found, silent)

    monkeypatch.setattr("core.broker.wake", wake)

    response = dora.post(IMPORT, {"file": upload(SHORT), "delimiter": "-"})

    assert "Checking list.csv" in look(dora, response.headers["Location"])


def test_nothing_is_parsed_in_the_process_that_answers(dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the click nor by who asks, whether a worker comes or not."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("This is for a process with limits.")

    monkeypatch.setattr("wbs.lists.reading.read_grid", refuse)

    html = dora.post(IMPORT, {"file": upload(workbook(HEADING, ["01", "x"])), "delimiter": "-"}).content.decode()
    assert facts(html) == [1, 0, 0]
    address = check_long(dora)
    ImportDraft.objects.update(asked_at=in_seconds(-4))
    assert facts(look(dora, address)) == [6, 1, 0]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_reads_in_a_process_below_it(
    dora: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "PATIENCE_S", 60)
    monkeypatch.setattr(import_drafts, "work", only_in_tasks(import_drafts.work))

    html = dora.post(IMPORT, {"file": upload(workbook(HEADING, ["01", "x"])), "delimiter": "-"}).content.decode()

    assert facts(html) == [1, 0, 0]
    assert "wbs.lists.limited" not in worker.log.read_text()  # it says nothing there unless something went wrong
