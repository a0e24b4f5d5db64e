from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from companies.models import AuditEvent
from erp_integrations.models import Connection
from exports import queue, services
from exports.models import Attempt, CodeExport, Status
from exports.queue.decisions import Next
from exports.queue.transitions import follow
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import make_many, queries


def test_a_portion_exports_and_stores_the_receipt(scene: Scene) -> None:
    scene.queue("01-100", "01-200")

    scene.portion()

    row = scene.row("01-100")
    assert scene.states() == {"01-100": "SUCCESS", "01-200": "SUCCESS"}
    assert (row.remote_id, row.receipt["description"]) == ("R1", "Description 01-100")
    assert [item["code"] for item in scene.books.items()] == ["01-100", "01-200"]
    assert scene.refreshed().last_contact_at is not None
    check_invariants(scene.connection, scene.books)


def test_the_exact_payload_is_on_record_before_the_call(scene: Scene) -> None:
    [row] = scene.queue("01-100")

    scene.portion()

    attempt = Attempt.objects.get()
    row.refresh_from_db()
    assert len(row.request_key) == 32
    assert (attempt.export, attempt.outcome, attempt.request_key) == (row, "exported", row.request_key)
    assert attempt.payload == {
        "reference": row.reference,
        "code": "01-100",
        "description": "Description 01-100",
        "tiers": ["01", "100"],
        "income_account": "4000",
        "expense_account": "5000",
        "request_key": row.request_key,
        "remote_id": "",
    }
    assert attempt.started_at <= attempt.ended_at


def test_no_call_without_its_attempts_on_record(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.queue("01-100")

    def full_disk(*words: object) -> None:
        raise DatabaseError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("exports.queue.portions.follow", full_disk)
        with pytest.raises(DatabaseError):
            scene.portion()

    assert (scene.states(), scene.books.events()) == ({"01-100": "QUEUED"}, [])
    assert scene.refreshed().lease_until is None


def test_one_call_carries_one_portion_until_none_is_due(scene: Scene) -> None:
    make_many(scene, "01", 60)
    services.queue_codes(scene.alice, scene.connection, scene.seen())

    assert [scene.portion() for _ in range(3)] == [True, True, False]
    assert [len(event["codes"]) for event in scene.books.events("start")] == [50, 10]


def test_a_portion_takes_as_many_queries_for_50_codes_as_for_1(scene: Scene) -> None:
    counts = []
    for division, number in (("01", 1), ("02", 1000)):
        make_many(scene, division, number)
        services.queue_codes(scene.alice, scene.connection, scene.seen())
        counts.append(len(queries(scene.portion)))

    assert counts[0] == counts[1] <= 14, counts


OUTCOMES = [
    ("refuse", "FAILED", "01-100 is refused.", "E42", "refused"),
    ("exists", "ATTENTION", "01-100 is there already.", "", "exists"),
    ("nobody knows", "UNKNOWN", "Nobody knows.", "", "uncertain"),
    ("missing", "UNKNOWN", "The ERP's answer did not speak of this code.", "", "uncertain"),
    ("no id", "UNKNOWN", "The ERP reported success without an id.", "", "uncertain"),
    ("twice", "UNKNOWN", "The ERP answered twice, differently.", "", "uncertain"),
    ("other values", "ATTENTION", "The item in the ERP has another description.", "", "exported"),
    ("not sent", "QUEUED", "Not now. It is tried again by itself.", "", "not sent"),
    ("not sent, wait", "QUEUED", "Not now. It is tried again by itself.", "", "not sent"),
]


@pytest.mark.parametrize(("what", "status", "message", "detail", "outcome"), OUTCOMES)
def test_each_outcome_has_its_state(
    scene: Scene, what: str, status: str, message: str, detail: str, outcome: str
) -> None:
    scene.queue("01-100", "01-200")
    scene.books.tell(Rule(what, "01-100"))

    scene.portion()

    row, attempt = scene.row("01-100"), Attempt.objects.get(export__code="01-100")
    assert (row.status, row.message, row.detail) == (status, message, detail)
    assert (attempt.outcome, attempt.message, attempt.detail) == (outcome, message, detail)
    assert scene.states()["01-200"] == "SUCCESS"
    check_invariants(scene.connection, scene.books)


def test_an_outcome_nobody_asked_for_is_ignored(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("stranger", "01-100"))

    scene.portion()

    assert scene.states() == {"01-100": "SUCCESS"}


def test_an_id_of_another_code_needs_review_and_spoils_nothing_else(scene: Scene) -> None:
    scene.queue("01-100")
    scene.drain()
    scene.queue("01-200", "01-300")
    scene.books.tell(Rule("same id", "01-200"))

    scene.portion()

    row = scene.row("01-200")
    assert scene.states() == {"01-100": "SUCCESS", "01-200": "ATTENTION", "01-300": "SUCCESS"}
    assert (row.message, row.remote_id) == ("The ERP gave an id that belongs to 01-100.", None)


def test_the_same_id_twice_in_one_answer_needs_review(scene: Scene) -> None:
    scene.queue("01-100", "01-200")
    scene.books.tell(Rule("same id", "01-200"))

    scene.portion()

    assert scene.states() == {"01-100": "SUCCESS", "01-200": "ATTENTION"}


def test_a_refusal_makes_a_new_request_key_and_is_not_retried_by_itself(scene: Scene) -> None:
    [row] = scene.queue("01-100")
    scene.books.tell(Rule("refuse", "01-100", times=1))
    scene.portion()
    scene.portion()

    services.retry_codes(scene.alice, scene.connection, [row.pk])
    scene.portion()

    keys = Attempt.objects.order_by("id").values_list("request_key", flat=True)
    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(set(keys)) == len(keys) == 2


def test_transient_errors_wait_longer_each_time_and_fail_at_last(scene: Scene, settings: Any) -> None:
    settings.EXPORT_MAX_TRIES, settings.EXPORT_RETRY_S = 3, 10
    scene.queue("01-100")
    scene.books.tell(Rule("transient"))

    waits = []
    for _ in range(3):
        scene.portion()
        row = scene.row("01-100")
        waits.append((row.due_at - row.moved_at).total_seconds())
        CodeExport.objects.update(due_at=Now())

    assert 7 < waits[0] < 13 < 15 < waits[1] < 25
    assert (row.status, row.message, row.detail) == ("FAILED", "The ERP cannot be reached.", "connection refused")
    assert scene.books.items() == []
    check_invariants(scene.connection, scene.books)


def test_being_told_to_wait_burns_no_try_and_holds_the_connection(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("throttle", times=1))

    scene.portion()

    row, erp = scene.row("01-100"), scene.refreshed()
    assert (row.status, row.tries) == ("QUEUED", 0)
    assert row.due_at - row.moved_at > timedelta(seconds=25)
    assert (scene.portion(), len(scene.books.events("start"))) == (False, 1)
    assert (erp.failures_in_a_row, erp.open_until is not None) == (1, True)
    scene.let_time_pass()
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}
    assert scene.refreshed().open_until is None


def test_after_failures_in_a_row_the_connection_is_probed_only(scene: Scene, settings: Any) -> None:
    settings.EXPORT_RETRY_S = 60
    make_many(scene, "01", 200)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.books.tell(Rule("transient"))

    done = [scene.portion() for _ in range(6)]

    assert done == [True, True, True, False, False, False]
    assert len(scene.books.events("start")) == 3
    assert scene.refreshed().failures_in_a_row == 3
    assert set(scene.states().values()) == {"QUEUED"}
    scene.books.tell()
    scene.let_time_pass()
    scene.drain()
    assert set(scene.states().values()) == {"SUCCESS"}
    assert scene.refreshed().failures_in_a_row == 0


def test_a_broken_configuration_stops_the_connection_until_a_person_mends_it(scene: Scene) -> None:
    make_many(scene, "01", 60)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.books.tell(Rule("configuration", times=1))

    assert [scene.portion() for _ in range(3)] == [True, False, False]

    erp = scene.refreshed()
    message = "The ERP does not accept the password. Change it in Settings."
    assert (erp.state, erp.state_message, len(scene.books.events("start"))) == ("broken", message, 1)
    assert set(CodeExport.objects.values_list("status", "tries")) == {("QUEUED", 0)}
    assert AuditEvent.objects.get(action="connection.broken").new == message
    erp.resume(scene.dora.user)
    scene.drain()
    assert set(scene.states().values()) == {"SUCCESS"}


def test_a_row_that_left_its_state_is_told(scene: Scene) -> None:
    rows = scene.queue("01-100", "01-200")
    CodeExport.objects.filter(pk=rows[0].pk).update(status="READY")

    with pytest.raises(RuntimeError, match="left their state"), transaction.atomic():
        follow([(row, Next(Status.EXPORTING)) for row in rows])

    assert scene.states() == {"01-100": "READY", "01-200": "QUEUED"}, "all of them, or none"


def test_a_paused_connection_sends_nothing(scene: Scene) -> None:
    scene.queue("01-100")
    scene.connection.pause(scene.dora.user)

    assert scene.portion() is False
    assert (scene.books.events(), scene.states()) == ([], {"01-100": "QUEUED"})


@pytest.mark.parametrize("what", ["uncertain", "bug"])
def test_a_call_that_ends_nobody_knows_how_is_asked_about(scene: Scene, what: str) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule(what, times=1))

    scene.portion()

    assert scene.states() == {"01-100": "UNKNOWN"}
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}
    check_invariants(scene.connection, scene.books)


def test_an_unforeseen_error_is_logged_in_full(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("bug", times=1))

    scene.portion()

    assert "nobody foresaw this" in caplog.text
    assert scene.row("01-100").message == "Something failed inside Tieback; its log tells more."


def test_what_the_adapter_cannot_do_fails_the_codes(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("unsupported"))

    scene.portion()

    assert scene.states() == {"01-100": "FAILED"}


def test_settings_that_the_adapter_does_not_know_break_the_connection(scene: Scene) -> None:
    scene.queue("01-100")
    Connection.objects.update(options={"journal": str(scene.books.path), "old": 1})

    scene.portion()

    assert (scene.refreshed().state, scene.states()) == ("broken", {"01-100": "QUEUED"})


def test_an_integration_that_is_no_longer_installed_breaks_its_connection_only(scene: Scene) -> None:
    scene.queue("01-100")
    Connection.objects.update(erp="gone")
    CodeExport.objects.update(status=Status.EXPORTING)

    queue.sweep()

    assert scene.refreshed().state == "broken"
    assert AuditEvent.objects.filter(action="connection.broken").count() == 1
    assert scene.portion() is False


@pytest.mark.parametrize(
    ("message", "stored"),
    [
        ("No\0pe \\u0000 'x'", "Nope \\u0000 'x'"),
        ("Half \ud800 of one", "Half ? of one"),
        ("\0 \ud800 \\u0000", " ? \\u0000"),
    ],
)
def test_garbage_in_an_answer_is_stored_without_harm(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, message: str, stored: str
) -> None:
    from tests.exports import scripted

    scene.queue("01-100")
    monkeypatch.setattr(
        scripted.ScriptedAdapter,
        "export_codes",
        lambda self, codes: [scripted.Refused(codes[0].reference, message, "<\0>")],
    )

    scene.portion()

    assert (scene.row("01-100").message, scene.row("01-100").detail) == (stored, "<>")


def test_an_id_that_cannot_be_kept_is_asked_about(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.exports import scripted

    scene.queue("01-100")
    answer = scripted.receipt
    monkeypatch.setattr(scripted, "receipt", lambda item, name: answer({**item, "remote_id": "9" * 101}, name))

    scene.portion()

    assert scene.row("01-100").status == Status.UNKNOWN
    assert scene.row("01-100").message == "Something failed inside Tieback; its log tells more."
