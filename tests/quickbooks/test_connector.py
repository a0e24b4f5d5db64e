"""That the scripted Web Connector says what the real one says, in its order, and suffers what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from tests.quickbooks.cases import add, document
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import VERSION, Call, Faults
from tests.quickbooks.scripted import TRANSPORTS, connector, poll, service
from tests.quickbooks.transports import ProtocolError

pytestmark = pytest.mark.once


WHOLE_ROUND = [
    "serverVersion",
    "clientVersion",
    "authenticate",
    "sendRequestXML",
    "receiveResponseXML",
    "closeConnection",
]


# The loop


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
def test_a_poll_is_one_round_of_calls(transport: Callable[..., Any]) -> None:
    told = service()
    played = connector(told, transport)

    report = played.poll()

    assert [name for name, _ in told.asked] == WHOLE_ROUND == report.operations
    assert [each.name for each in played.quickbooks.items] == ["03-100"]
    assert (report.outcome, report.percents, report.closed, report.last_error) == ("work", [100], "OK", None)
    assert report.soap_calls == 6
    assert report.requests == [told.script["sendRequestXML"]]


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
def test_the_service_is_told_what_the_contract_says(transport: Callable[..., Any]) -> None:
    told = service(receiveResponseXML=[50, 100], sendRequestXML=[document(add("A")), document(add("B"))])
    played = connector(told, transport)

    played.poll()

    first, second = told.arguments("sendRequestXML")
    hcp = etree.fromstring(first[1].encode())
    assert told.arguments("clientVersion") == [[VERSION]]
    assert told.arguments("authenticate") == [["alice", "secret & word"]]
    assert [each.tag for each in hcp[0]] == ["HostQueryRs", "CompanyQueryRs", "PreferencesQueryRs"]
    assert [first[0], *first[2:]] == ["ticket-1", played.quickbooks.path, "US", "16", "0"]
    assert second == ["ticket-1", "", played.quickbooks.path, "US", "16", "0"]
    (ticket, response, hresult, message), _ = told.arguments("receiveResponseXML")
    assert (ticket, hresult, message) == ("ticket-1", "", "")
    assert "ItemServiceAddRs" in response
    assert told.arguments("closeConnection") == [["ticket-1"]]


@pytest.mark.parametrize("percent", [0, 1, 99])
def test_it_goes_on_below_100(percent: int) -> None:
    told = service(receiveResponseXML=[percent, 100], sendRequestXML=[document(add("A")), document(add("B"))])

    assert poll(told).percents == [percent, 100]


def test_nothing_more_to_do_asks_for_the_last_error() -> None:
    report = poll(service(sendRequestXML=""))

    assert report.operations[3:] == ["sendRequestXML", "getLastError", "closeConnection"]
    assert (report.last_error, report.requests) == ("Nothing to do.", [])


def test_a_negative_percent_asks_for_the_last_error() -> None:
    report = poll(service(receiveResponseXML=-101, getLastError="Wrong company."))

    assert report.operations[4:] == ["receiveResponseXML", "getLastError", "closeConnection"]
    assert (report.outcome, report.last_error) == ("error", "Wrong company.")


@pytest.mark.parametrize("nothing", ["", "NoOp"])
def test_a_pause_asks_again(nothing: str) -> None:
    told = service(sendRequestXML=[nothing, nothing, document(add("A"))], getLastError="NoOp")

    report = poll(told)

    assert (report.pauses, report.percents, report.last_error) == (2, [100], None)


def test_pauses_without_end_are_noticed() -> None:
    with pytest.raises(ProtocolError, match="pause"):
        poll(service(sendRequestXML="NoOp", getLastError="NoOp"))


def test_messages_without_end_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.quickbooks.connector.MOST_MESSAGES", 3)

    with pytest.raises(ProtocolError, match="no end"):
        poll(service(receiveResponseXML=50))


@pytest.mark.parametrize("word", ["none", "nvu", "busy"])
def test_without_work_it_closes_at_once(word: str) -> None:
    report = poll(service(authenticate=["ticket-1", word]))

    assert report.operations[3:] == ["closeConnection"]
    assert report.outcome == word


def test_a_postponement_wins_over_work() -> None:
    report = poll(service(authenticate=["ticket-1", "", "60", "300"]))

    assert (report.outcome, report.postponed_s, report.every_s) == ("postponed", 60, 300)
    assert report.operations[3:] == ["closeConnection"]


def test_a_lower_limit_alone_postpones_nothing() -> None:
    report = poll(service(authenticate=["ticket-1", "", "", "300"]))

    assert (report.outcome, report.postponed_s, report.every_s) == ("work", None, 300)


def test_the_path_of_the_open_file_is_as_good_as_none() -> None:
    assert poll(service(authenticate=["ticket-1", QuickBooks().path])).percents == [100]


def test_anything_else_is_taken_for_a_path() -> None:
    report = poll(service(authenticate=["ticket-1", "none "]))

    assert report.outcome == "no quickbooks"
    assert report.operations[3:] == ["connectionError", "closeConnection"]


def test_a_warning_lets_go_on_and_a_refused_version_does_not() -> None:
    assert poll(service(clientVersion="W:Old.")).warning == "Old."

    report = poll(service(clientVersion="E:Too old."))
    assert (report.outcome, report.last_error) == ("refused", "Too old.")
    assert report.operations == ["serverVersion", "clientVersion"]


# What befalls it


def test_quickbooks_that_cannot_be_opened_is_told() -> None:
    told = service()

    report = poll(told, connection_errors=1)

    assert report.operations[3:] == ["connectionError", "closeConnection"]
    assert told.arguments("connectionError") == [["ticket-1", "0x80040408", "Could not open QuickBooks."]]


def test_a_path_instead_of_done_is_tried() -> None:
    report = poll(service(connectionError=["", QuickBooks().path]), connection_errors=2)

    assert report.operations.count("connectionError") == 2
    assert report.percents == [100]


def test_paths_without_end_are_noticed() -> None:
    with pytest.raises(ProtocolError, match="done"):
        poll(service(connectionError="C:\\nowhere.qbw"), connection_errors=1)


def test_it_dies_before_quickbooks_has_run() -> None:
    played = connector(service(), lose_request_before_run=1)

    report = played.poll()

    assert (report.outcome, report.operations[-1], played.quickbooks.items) == ("died", "sendRequestXML", [])


def test_it_dies_after_quickbooks_has_run() -> None:
    played = connector(service(), lose_response_after_run=1)

    report = played.poll()

    assert (report.outcome, report.operations[-1]) == ("died", "sendRequestXML")
    assert [each.name for each in played.quickbooks.items] == ["03-100"]


def test_the_next_poll_after_a_death_is_a_new_session() -> None:
    played = connector(service(), lose_response_after_run=1)
    played.poll()
    played.faults = Faults()

    report = played.poll()

    assert report.operations == WHOLE_ROUND
    assert (len(played.quickbooks.items), len(played.quickbooks.journal)) == (1, 1)  # answered from the stored set


def test_it_dies_without_hearing_the_percent() -> None:
    told = service()

    report = poll(told, lose_answer=1)

    assert (report.outcome, told.asked[-1][0]) == ("died", "receiveResponseXML")


def test_it_dies_at_the_message_that_was_meant() -> None:
    told = service(receiveResponseXML=50, sendRequestXML=[document(add("A")), document(add("B"))])

    report = poll(told, lose_response_after_run=2)

    assert (report.percents, len(report.requests)) == ([50], 2)


def test_it_delivers_twice() -> None:
    told = service()

    report = poll(told, deliver_twice=True)

    first, second = told.arguments("receiveResponseXML")
    assert first == second
    assert report.percents == [100, 100]


def test_it_delivers_half() -> None:
    told = service()

    poll(told, truncate_response=40)

    assert len(told.arguments("receiveResponseXML")[0][1]) == 40


def test_it_tells_that_the_request_processor_failed() -> None:
    told = service(receiveResponseXML=-1)
    played = connector(told, hresult="0x80040402")

    played.poll()

    assert told.arguments("receiveResponseXML") == [["ticket-1", "", "0x80040402", "The request processor failed."]]
    assert played.quickbooks.journal == []


def test_it_tells_that_quickbooks_could_not_parse() -> None:
    told = service(receiveResponseXML=-1, sendRequestXML=document(add("x" * 32)))

    poll(told)

    ((_, response, hresult, message),) = told.arguments("receiveResponseXML")
    assert (response, hresult) == ("", "0x80040400")
    assert message


def test_another_company_file_may_be_open() -> None:
    told = service()
    played = connector(told)
    played.quickbooks = other = QuickBooks("Other")

    played.poll()

    assert "<CompanyName>Other</CompanyName>" in told.arguments("sendRequestXML")[0][1]
    assert len(other.items) == 1


def test_step_by_step() -> None:
    played = connector(service(receiveResponseXML=[10, 100]))

    assert played.open()
    assert played.fetch()
    played.run()
    assert "ItemServiceAddRs" in played.response
    assert played.deliver()
    assert played.fetch()
    played.run()
    assert not played.deliver()
    played.close()

    assert played.report.percents == [10, 100]


def test_a_report_shows_no_password() -> None:
    report = poll(service())

    assert "secret" not in repr(report.calls)
    assert str(Call("getLastError", ("t", "x" * 80), "OK")).endswith("...) = 'OK'")
