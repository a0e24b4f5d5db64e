from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from erp_integrations.base import Receipt
from exports import services
from exports.models import Attempt, CodeExport, Status
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule, ScriptedAdapter
from tests.exports.steps import make_many


def calls(scene: Scene, call: str) -> list[list[str]]:
    return [event["codes"] for event in scene.books.events("start") if event["call"] == call]


def test_what_arrived_is_found_and_is_a_success(scene: Scene) -> None:
    scene.queue("01-100", "01-200")
    scene.books.tell(Rule("after:uncertain", times=1))

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS", "01-200": "SUCCESS"}
    assert (len(calls(scene, "export")), len(calls(scene, "find"))) == (1, 1)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"found"}
    check_invariants(scene.connection, scene.books)


def test_what_is_absent_goes_again_under_the_same_request_key(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain", times=1))

    scene.drain()

    attempts = Attempt.objects.order_by("id")
    assert list(attempts.values_list("outcome", flat=True)) == ["absent", "exported"]
    assert len(set(attempts.values_list("request_key", flat=True))) == 1
    check_invariants(scene.connection, scene.books)


def test_a_portion_asks_about_what_is_in_doubt_before_the_next_sends(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain", times=1))
    scene.portion()
    scene.queue("01-200")

    done = [(scene.portion(), scene.states()) for _ in range(3)]

    asked = {"01-100": "SUCCESS", "01-200": "QUEUED"}
    sent = {"01-100": "SUCCESS", "01-200": "SUCCESS"}
    assert done == [(True, asked), (True, sent), (False, sent)]
    assert scene.refreshed().lease_until is None


def test_absent_is_not_believed_before_the_settle_time(scene: Scene, settings: Any) -> None:
    settings.EXPORT_SETTLE_S = 1000
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain", times=1))

    for _ in range(4):
        scene.portion()

    row = scene.row("01-100")
    assert (row.status, len(calls(scene, "find"))) == ("UNKNOWN", 1)
    assert 900 < (row.due_at - row.moved_at).total_seconds() < 1100
    settings.EXPORT_SETTLE_S = 0
    scene.let_time_pass()
    scene.drain()
    assert (scene.states(), len(calls(scene, "export"))) == ({"01-100": "SUCCESS"}, 2)


def test_the_settle_time_is_the_adapters_unless_told_otherwise(scene: Scene, settings: Any) -> None:
    settings.EXPORT_SETTLE_S = -1
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain", times=1))

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}


def test_found_before_the_settle_time_is_believed_at_once(scene: Scene, settings: Any) -> None:
    settings.EXPORT_SETTLE_S = 1000
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain", times=1))

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}


@pytest.mark.parametrize(("settle_s", "copies"), [(1000, 1), (0, 2)], ids=["settled", "control: not waited for"])
def test_a_call_done_later_than_our_patience_makes_no_second_item(
    scene: Scene, settings: Any, settle_s: float, copies: int
) -> None:
    settings.EXPORT_SETTLE_S = settle_s
    scene.queue("01-100")
    scene.books.tell(Rule("late", times=1))

    scene.portion()
    scene.portion()
    settings.EXPORT_SETTLE_S = 0
    scene.let_time_pass()
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == copies


def test_an_answer_lost_again_on_the_second_try_makes_no_second_item(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain", times=1), Rule("after:uncertain", times=2))

    scene.drain()

    assert (scene.states(), len(scene.books.items())) == ({"01-100": "SUCCESS"}, 1)
    check_invariants(scene.connection, scene.books)


def found(**values: Any) -> Any:
    """An adapter's find that answers with our item, but for these values."""

    def find(self: ScriptedAdapter, codes: Any) -> dict[str, Receipt]:
        return {
            code.reference: Receipt(
                **{
                    "remote_id": "R7",
                    "code": code.code,
                    "description": code.description,
                    "income_account": code.income_account,
                    "expense_account": code.expense_account,
                    "is_ours": True,
                    **values,
                }
            )
            for code in codes
        }

    return find


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"is_ours": False}, "The ERP already has an item 01-100 that Tieback did not make."),
        ({"description": "else"}, "The item in the ERP has another description."),
        (
            {"income_account": "1", "expense_account": None},
            "The item in the ERP has another income account and another expense account.",
        ),
        ({"is_active": False}, "The item in the ERP is inactive."),
    ],
)
def test_what_is_found_different_needs_review(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], message: str
) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain"))
    monkeypatch.setattr(ScriptedAdapter, "find", found(**values))

    scene.drain()

    row = scene.row("01-100")
    assert (row.status, row.message, row.remote_id) == ("ATTENTION", message, None)
    assert row.receipt["remote_id"] == "R7"


def test_a_found_id_of_another_code_needs_review(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.queue("01-100", "01-200")
    scene.books.tell(Rule("uncertain"))
    monkeypatch.setattr(ScriptedAdapter, "find", found())

    scene.drain()

    assert sorted(scene.states().values()) == ["ATTENTION", "SUCCESS"]


def test_a_code_whose_answer_is_lost_for_ever_needs_review_and_holds_up_nobody(scene: Scene) -> None:
    make_many(scene, "01", 20)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.books.tell(Rule("uncertain", "01-0007"))

    scene.drain()

    states = scene.states()
    assert states.pop("01-0007") == "ATTENTION"
    assert set(states.values()) == {"SUCCESS"}
    assert scene.row("01-0007").message == "Sent 4 times without a clear answer; the ERP does not have it."
    assert calls(scene, "export").count(["01-0007"]) == 2
    check_invariants(scene.connection, scene.books)


def test_asking_again_and_again_in_vain_needs_review(scene: Scene, settings: Any) -> None:
    settings.EXPORT_MAX_TRIES = 3
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain"), Rule("bug", on="find"))

    scene.drain()

    row = scene.row("01-100")
    assert (row.status, len(calls(scene, "find"))) == ("ATTENTION", 3)
    assert row.message == "The ERP did not tell whether it has it. Something failed inside Tieback; its log tells more."


def test_an_open_page_is_told_why_it_is_still_being_asked(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain"), Rule("transient", on="find"))
    scene.portion()
    row = scene.row("01-100")
    client = Client()
    client.force_login(scene.alice.user)

    scene.portion()
    page = f"/companies/{scene.connection.company.slug}/erp-integrations/{scene.connection.slug}/standard-cost-codes/"
    answer = client.post(f"{page}poll/", {"seen": f"{row.pk}:{row.moves}:{row.version}"}).content.decode()

    assert "The ERP cannot be reached. It is asked again by itself." in answer


def test_while_the_erp_is_down_asking_burns_no_tries(scene: Scene, settings: Any) -> None:
    settings.EXPORT_MAX_TRIES = 2
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain"), Rule("transient", on="find", times=4))

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(calls(scene, "find")) == 5


def test_an_erp_that_cannot_be_asked_leaves_it_to_a_person(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain"), Rule("unsupported", on="find"))

    scene.drain()

    assert scene.row("01-100").status == "ATTENTION"


def test_a_broken_configuration_while_asking_stops_the_connection(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain"), Rule("configuration", on="find", times=1))

    scene.portion()
    scene.portion()

    assert (scene.refreshed().state, scene.states()) == ("broken", {"01-100": "UNKNOWN"})


def test_retry_from_needs_review_asks_before_it_sends(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain"), Rule("unsupported", on="find", times=1))
    scene.drain()
    row = scene.row("01-100")
    assert row.status == "ATTENTION"

    services.retry_codes(scene.alice, scene.connection, [row.pk])
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(calls(scene, "export")) == 1
    check_invariants(scene.connection, scene.books)


def test_what_a_dead_worker_left_is_asked_about(scene: Scene) -> None:
    [row] = scene.queue("01-100")
    CodeExport.objects.update(status=Status.EXPORTING, lease_token=0)
    attempt = Attempt.objects.create(export=row, generation=1, request_key="k", lease_token=0, payload={})

    scene.drain()

    attempt.refresh_from_db()
    assert (scene.states(), attempt.outcome) == ({"01-100": "SUCCESS"}, "absent")
    assert attempt.ended_at is not None


# A look-up that one code spoils


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())


@pytest.mark.parametrize("spoilers", [["01-0007"], ["01-0001"], ["01-0040"], ["01-0003", "01-0004", "01-0031"]])
def test_a_look_up_that_codes_spoil_is_asked_in_halves(scene: Scene, spoilers: list[str]) -> None:
    queue_many(scene, 40)
    scene.books.tell(Rule("after:uncertain", times=1), *(Rule("uncertain", code, on="find") for code in spoilers))

    scene.drain()

    states = scene.states()
    assert {code for code, status in states.items() if status == "ATTENTION"} == set(spoilers)
    assert {status for code, status in states.items() if code not in spoilers} == {"SUCCESS"}
    for code in spoilers:
        assert scene.row(code).message.startswith("The ERP did not tell whether it has it. The ERP did not answer")
    check_invariants(scene.connection, scene.books)


def test_it_costs_a_logarithm_of_calls(scene: Scene) -> None:
    queue_many(scene, 40)
    scene.books.tell(Rule("after:uncertain", times=1), Rule("uncertain", "01-0007", on="find"))
    scene.portion()

    scene.portion()

    states = scene.states()
    assert states.pop("01-0007") == "UNKNOWN"
    assert set(states.values()) == {"SUCCESS"}
    assert len(calls(scene, "find")) <= 1 + 2 * 6
    assert scene.row("01-0007").message == "The ERP did not answer in time. It is asked again by itself."
    assert (scene.refreshed().state, scene.refreshed().failures_in_a_row) == ("active", 0)


def test_an_erp_that_answers_no_question_is_not_asked_for_each_code(scene: Scene) -> None:
    queue_many(scene, 40)
    scene.books.tell(Rule("after:uncertain", times=1), Rule("uncertain", on="find"))
    scene.portion()

    scene.portion()

    assert len(calls(scene, "find")) <= 1 + 2 * 6
    assert set(scene.states().values()) == {"UNKNOWN"}
    assert scene.refreshed().failures_in_a_row == 2  # the export and the question
    assert {row.tries for row in CodeExport.objects.all()} == {1}


def test_an_erp_that_is_down_is_not_asked_in_halves(scene: Scene) -> None:
    queue_many(scene, 40)
    scene.books.tell(Rule("after:uncertain", times=1), Rule("transient", on="find"))
    scene.portion()

    scene.portion()

    assert len(calls(scene, "find")) == 1


@pytest.mark.parametrize(("what", "again"), [("transient", "by itself"), ("throttle", "by itself")])
def test_an_erp_that_tells_to_wait_for_ever_is_left_to_a_person(
    scene: Scene, settings: Any, what: str, again: str
) -> None:
    settings.EXPORT_MAX_TRIES = 2
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain", times=1), Rule(what, on="find"))
    scene.portion()

    for _ in range(19):
        scene.let_time_pass()
        scene.portion()
    row = scene.row("01-100")
    assert (row.status, row.message.endswith(f"It is asked again {again}.")) == ("UNKNOWN", True)
    scene.let_time_pass()
    scene.portion()

    row = scene.row("01-100")
    assert row.status == "ATTENTION"
    assert row.message.startswith("The ERP did not tell whether it has it.")


def test_while_the_configuration_is_broken_the_code_says_what_it_waits_for(scene: Scene, settings: Any) -> None:
    settings.EXPORT_MAX_TRIES = 2
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain", times=1), Rule("configuration", on="find"))
    scene.portion()
    scene.portion()

    row = scene.row("01-100")
    assert row.status == "UNKNOWN"
    assert row.message.endswith("Change it in Settings. It is asked when the connection is resumed.")
    scene.refreshed().resume(scene.dora.user)
    scene.portion()
    assert scene.row("01-100").status == "ATTENTION"
