from __future__ import annotations

import pytest

from core.clock import in_seconds
from erp_integrations.base import Delivery
from exports.models import Cause, CodeExport, Status
from exports.pages import words
from exports.services import Result
from tests import factories


@pytest.mark.parametrize(
    ("status", "message", "text"),
    [
        (Status.READY, "", "Ready to Export"),
        (Status.QUEUED, "", "Queued"),
        (Status.EXPORTING, "", "Exporting"),
        (Status.UNKNOWN, "", "Checking with ERP"),
        (Status.FAILED, "No such account.", "Failed: No such account."),
        (Status.ATTENTION, "It exists.", "Needs review: It exists."),
        (Status.REJECTED, "", "Rejected"),
        (Status.REJECTED, "Wrong division", "Rejected: Wrong division"),
        (Status.REJECTED, "Recalled by mistake", "Rejected: Recalled by mistake"),
    ],
)
@pytest.mark.django_db
def test_every_state_has_its_words(status: Status, message: str, text: str) -> None:
    account = factories.make_account(connection := factories.make_connection())
    factories.make_export("01-100", connection, status=status, message=message, income_account=account)
    row = CodeExport.objects.for_review().get()

    assert str(words.status_words(row)) == text


@pytest.mark.django_db
@pytest.mark.parametrize("cause", sorted(set(Cause) - {Cause.REJECTED}))
def test_what_was_given_back_says_so_and_not_that_it_was_rejected(cause: Cause) -> None:
    row = factories.make_export("01-100", status=Status.REJECTED, cause=cause, message="Given back by dora")

    assert str(words.status_words(row)) == "Given back by dora"


@pytest.mark.django_db
@pytest.mark.parametrize(("tries", "text"), [(0, "Checking with ERP"), (2, "Checking with ERP: It is down.")])
def test_a_code_that_is_asked_about_in_vain_says_why(tries: int, text: str) -> None:
    row = factories.make_export("01-100", status=Status.UNKNOWN, message="It is down.", tries=tries)

    assert str(words.status_words(row)) == text


@pytest.mark.django_db
def test_a_pulled_erp_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = factories.make_connection()
    row = factories.make_export(
        "01-100", connection, status=Status.QUEUED, income_account=factories.make_account(connection)
    )
    monkeypatch.setattr(connection.adapter_class, "delivery", Delivery.PULL)

    assert str(words.status_words(row)) == "Waiting for Web Connector, never seen"

    connection.note_contact()
    row.connection.refresh_from_db()
    seen = connection.company.local(row.connection.last_contact_at)
    assert str(words.status_words(row)) == f"Waiting for Web Connector, last seen {seen:%H:%M}"


@pytest.mark.parametrize(
    ("message", "seconds", "begins"),
    [("Slow down.", 90, "Retrying at "), ("Slow down.", 0, "Queued"), ("", 90, "Queued")],
)
@pytest.mark.django_db
def test_a_code_that_came_back_tells_when_it_goes_again(message: str, seconds: int, begins: str) -> None:
    account = factories.make_account(connection := factories.make_connection())
    values = {"status": Status.QUEUED, "message": message, "income_account": account}
    factories.make_export("01-100", connection, **values, due_at=in_seconds(seconds))
    row = CodeExport.objects.for_review().get()

    assert str(words.status_words(row)).startswith(begins)


def test_each_reason_to_stay_is_a_sentence() -> None:
    result = Result(None, 1234, arrived=1, changed=2, in_flight=1, lacking=3, own=1)

    assert words.exported(result) == (
        "1,234 cost codes accepted. "
        "3 lack an income account and stayed. "
        "1 arrived since you opened the list and stayed. "
        "2 were changed by someone else since and stayed. "
        "1 is being sent to the ERP at this moment and stayed. "
        "1 was sent by you and needs someone else's eyes and stayed."
    )


def test_nothing_done_is_said_plainly() -> None:
    nothing = Result(None, 0)

    assert words.exported(nothing) == "Nothing to export."
    assert words.rejected(nothing, "the list") == "Nothing to reject."
    assert words.accounts_set(nothing) == "No accounts were set."
    assert words.undone(nothing) == "Nothing was undone: the codes have moved on meanwhile."
