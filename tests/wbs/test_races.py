"""Two people at the same moment. PostgreSQL, real threads; each race is first shown without its guard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client

from tests.factories import make_connection, make_cost_code, make_dora, make_segment
from tests.meeting import Meeting
from tests.patience import PATIENCE_S
from tests.wbs.conftest import signed_in
from tests.wbs.lists.lists import checked
from wbs.errors import Conflict, Refused
from wbs.lists.checking import NewCode
from wbs.models import Hold, Segment, SegmentItem

CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"

pytestmark = [pytest.mark.pg_only, pytest.mark.django_db(transaction=True)]


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action, in a thread and with a database connection of its own, returned or raised."""

    def run(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as threads:
        return [done.result() for done in [threads.submit(run, action) for action in actions]]


@pytest.fixture
def meet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both threads wait for each other before this step of a change, if nothing keeps one of them back."""
    name = getattr(request, "param", "describe")  # after the code was checked, before it is saved
    meeting, step = Meeting(), getattr(SegmentItem, name)

    def step_together(item: SegmentItem, *words: Any) -> Any:
        meeting.wait()
        return step(item, *words)

    monkeypatch.setattr(SegmentItem, name, step_together)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Segment, "lock", lambda segment: None)


def add(code: str = "01") -> SegmentItem:
    return make_segment().add_item(code, "Twice", None, None)


def add_alike() -> SegmentItem:
    return add("０１")


@pytest.mark.parametrize("second", [add, add_alike])
@pytest.mark.usefixtures("meet", "unguarded")
def test_control_without_the_guard_only_the_database_stops_the_second_of_two_equal_codes(
    second: Callable[[], SegmentItem],
) -> None:
    make_segment()

    outcomes = at_once(add, second)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IntegrityError", "SegmentItem"]


@pytest.mark.parametrize("second", [add, add_alike])
@pytest.mark.usefixtures("meet")
def test_the_second_of_two_equal_codes_is_told_that_it_exists(second: Callable[[], SegmentItem]) -> None:
    make_segment()

    outcomes = at_once(add, second)

    assert not any(isinstance(outcome, IntegrityError) for outcome in outcomes)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [refusal.sentence for refusal in refusals] == [f"{SegmentItem.objects.get()} exists already: “Twice”."]
    assert SegmentItem.objects.count() == 1


@pytest.mark.usefixtures("meet")
def test_both_pages_answer_in_words() -> None:
    make_segment()
    member = make_dora()
    first, second = signed_in(member), signed_in(member)

    def post(client: Client) -> str:
        return client.post(f"{CODES}add/", {"code": "01", "description": "Twice"}, follow=True).content.decode()

    pages = at_once(lambda: post(first), lambda: post(second))

    assert sorted(("01 was added." in page, "01 exists already" in page) for page in pages) == [
        (False, True),
        (True, False),
    ]


def move(which: str, below: str) -> SegmentItem:
    item, parent = (SegmentItem.objects.select_related("segment").get(full_code=code) for code in (which, below))
    return item.change(item.code, item.description, parent, item.version, None)


@pytest.mark.parametrize("meet", ["_checked_parent"], indirect=True)
@pytest.mark.usefixtures("meet", "unguarded")
def test_control_without_the_guard_two_moves_that_make_a_circle_end_in_a_deadlock() -> None:
    make_cost_code("01")
    make_cost_code("02")

    outcomes = at_once(lambda: move("01", "02"), lambda: move("02", "01"))

    assert any(isinstance(outcome, OperationalError) for outcome in outcomes)


@pytest.mark.parametrize("meet", ["_checked_parent"], indirect=True)
@pytest.mark.usefixtures("meet")
def test_of_two_moves_that_would_make_a_circle_one_happens() -> None:
    make_cost_code("01")
    make_cost_code("02")

    outcomes = at_once(lambda: move("01", "02"), lambda: move("02", "01"))

    assert sum(isinstance(outcome, SegmentItem) for outcome in outcomes) == 1
    assert sorted(SegmentItem.objects.values_list("full_code", flat=True)) in (["01", "01-02"], ["02", "02-01"])


@pytest.mark.usefixtures("meet")
def test_of_two_editors_one_is_told() -> None:
    item = make_cost_code("01")

    outcomes = at_once(*(lambda text=text: item.change("01", text, None, 1, None) for text in ("Mine", "Yours")))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "SegmentItem"]
    conflict = next(outcome for outcome in outcomes if isinstance(outcome, Conflict))
    assert conflict.newer is not None
    assert conflict.newer.version == 2


def test_an_edit_waits_for_a_code_that_is_being_sent_and_is_refused() -> None:
    item = make_cost_code("01")
    linked = make_connection(item.company)
    is_sent, may_commit = threading.Event(), threading.Event()

    def send() -> None:
        with transaction.atomic():
            list(SegmentItem.objects.select_for_update().filter(pk=item.pk))
            Hold.objects.create(company=item.company, item=item, connection=linked, item_version=item.version)
            is_sent.set()
            may_commit.wait(PATIENCE_S)

    def edit() -> SegmentItem:
        is_sent.wait(PATIENCE_S)
        threading.Timer(0.3, may_commit.set).start()
        return item.change("01", "Too late", None, 1, None)

    outcomes = at_once(send, edit)

    assert isinstance(outcomes[1], Refused)
    assert "01 is sent" in outcomes[1].sentence
    item.refresh_from_db()
    assert item.version == 1


def test_an_import_waits_for_a_code_that_is_being_sent_and_puts_nothing_under_it() -> None:
    item = make_cost_code("01-100")
    linked = make_connection(item.company)
    is_held, is_checked, may_commit = threading.Event(), threading.Event(), threading.Event()

    def send() -> None:
        with transaction.atomic():
            list(SegmentItem.objects.select_for_update().filter(pk=item.pk))
            is_held.set()
            is_checked.wait(PATIENCE_S)
            Hold.objects.create(company=item.company, item=item, connection=linked, item_version=item.version)
            may_commit.wait(PATIENCE_S)

    def add_list() -> int:
        is_held.wait(PATIENCE_S)
        with transaction.atomic():
            segment = make_segment()
            segment.lock()
            found = checked("code,description\n01-100-1,Below\n", known=segment.known_codes())
            assert found.good == 1
            is_checked.set()
            threading.Timer(0.3, may_commit.set).start()
            return segment.add_codes(found.new, "-", None)

    outcomes = at_once(send, add_list)

    assert isinstance(outcomes[1], Refused)
    assert SegmentItem.objects.count() == 2


def test_two_first_imports_with_different_delimiters_do_not_mix() -> None:
    segment = make_segment()

    def add_list(delimiter: str) -> int:
        with transaction.atomic():
            mine = Segment.objects.get(pk=segment.pk)
            mine.lock()
            return mine.add_codes([NewCode(("01",), "x"), NewCode(("01", "1"), "y")], delimiter, None)

    outcomes = at_once(lambda: add_list("/"), lambda: add_list("."))

    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1
    assert SegmentItem.objects.count() == 2


def test_sort_keys_are_compared_byte_by_byte_whatever_the_language_of_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT collation_name FROM information_schema.columns"
            " WHERE table_name = 'wbs_segmentitem' AND column_name = 'sort_key'"
        )
        assert cursor.fetchone() == ("C",)
