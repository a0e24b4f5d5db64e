"""What should hurt inside a sound envelope, as an answer of QuickBooks: told, nothing half stored, the poll goes on."""

from __future__ import annotations

from typing import Any

import pytest

from exports.models import CodeExport
from exports.web_connector.models import Message
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.hostile import documents
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.connector import WebConnector

pytestmark = [pytest.mark.django_db, pytest.mark.either]
CODES = ("01-100", "01-200")
SOUND = "<QBXML><QBXMLMsgsRs></QBXMLMsgsRs></QBXML>"
NO_ENVELOPE_CARRIES = {"a control character", "half a million attributes"}
UNREADABLE = {
    name: text for name, text in documents(SOUND, "</QBXMLMsgsRs>").items() if name not in NO_ENVELOPE_CARRIES
}
SOME = {
    name: UNREADABLE[name]
    for name in ("an external entity", "half a million elements", "half of it", "nothing", "a page")
}
ROW = "<ListID>80000001-1</ListID><FullName>01-100</FullName>"


def answered(tag: str, rows: str = "", **attributes: str) -> str:
    told = {"statusCode": "0", "statusSeverity": "Info", "statusMessage": "Status OK", **attributes}
    words = " ".join(f'{name}="{value}"' for name, value in told.items())
    return f"<QBXML><QBXMLMsgsRs><{tag} {words}>{rows}</{tag}></QBXMLMsgsRs></QBXML>"


OF_ACCOUNTS = {
    **SOME,
    "no accounts": answered("AccountQueryRs"),
    "an account without an id": answered("AccountQueryRs", "<AccountRet><FullName>A</FullName></AccountRet>"),
    "an id of 10,000": answered("AccountQueryRs", f"<AccountRet><ListID>{'1' * 10_000}</ListID></AccountRet>"),
    "a status that is no number": answered("AccountQueryRs", f"<AccountRet>{ROW}</AccountRet>", statusCode="zero"),
    "a status beyond all numbers": answered("AccountQueryRs", f"<AccountRet>{ROW}</AccountRet>", statusCode="9" * 99),
    "items instead": answered("ItemQueryRs", f"<ItemServiceRet>{ROW}</ItemServiceRet>"),
    "an error": answered("AccountQueryRs", statusCode="3120", statusMessage="&lt;b&gt;No&lt;/b&gt;"),
}
OF_A_LOOK_UP = {
    **SOME,
    "half an answer": answered("ItemQueryRs", f"<ItemServiceRet>{ROW}</ItemServiceRet>"),
    "an item without an id": answered("ItemQueryRs", "<ItemServiceRet/>") * 2,
    "accounts instead": answered("AccountQueryRs", f"<AccountRet>{ROW}</AccountRet>"),
}
OF_AN_EXPORT = {
    **UNREADABLE,
    "another's number": answered("ItemServiceAddRs", f"<ItemServiceRet>{ROW}</ItemServiceRet>", requestID="1"),
    "no numbers at all": answered("ItemServiceAddRs", f"<ItemServiceRet>{ROW}</ItemServiceRet>"),
    "a status that is no number": answered("ItemServiceAddRs", statusCode="-1"),
    "a message set that is no number": "<QBXML><QBXMLMsgsRs messageSetStatusCode='x'/></QBXML>",
    "items that were found": answered("ItemQueryRs", f"<ItemServiceRet>{ROW}</ItemServiceRet>"),
}


def play_on(connector: WebConnector) -> None:
    while connector.fetch():
        connector.run()
        if not connector.deliver():
            break
    connector.close()


@pytest.mark.parametrize("answer", OF_ACCOUNTS.values(), ids=OF_ACCOUNTS)
def test_of_accounts(office: Office, answer: str) -> None:
    connector = office.connector()
    assert connector.open()
    assert connector.fetch()
    connector.response = answer

    assert not connector.deliver()

    assert connector.report.last_error
    assert not office.connection.gl_accounts.exists()
    assert office.refreshed().gl_accounts_synced_at is None
    office.connection.resume(office.dora.user)
    assert office.poll().percents == [100]


@pytest.mark.parametrize("answer", OF_A_LOOK_UP.values(), ids=OF_A_LOOK_UP)
def test_of_a_look_up(office: Office, answer: str) -> None:
    office.queue(*CODES)
    connector = office.connector()
    assert connector.open()
    assert connector.fetch()
    connector.response = answer

    assert not connector.deliver()

    assert connector.report.last_error
    assert set(office.states().values()) == {"QUEUED"}
    assert office.quickbooks.items == []
    office.poll()
    check_all_arrived(office.quickbooks, 2)


@pytest.mark.parametrize("answer", OF_AN_EXPORT.values(), ids=OF_AN_EXPORT)
def test_of_an_export(office: Office, answer: str) -> None:
    """QuickBooks has added them; what is brought back says nothing that could be believed."""
    office.queue(*CODES)
    connector = at_the_export(office)
    connector.run()
    connector.response = answer

    percent = connector._deliver_once()

    assert percent < 100
    assert set(office.states().values()) <= {"UNKNOWN", "EXPORTING"}
    assert not CodeExport.objects.exclude(remote_id=None).exists()
    play_on(connector)
    office.poll()
    check_all_arrived(office.quickbooks, 2)


def at_the_export(office: Office) -> WebConnector:
    connector = office.connector()
    assert connector.open()
    assert connector.fetch()
    connector.run()
    assert connector.deliver()
    assert connector.fetch()
    return connector


def test_an_id_without_end_is_no_success(office: Office) -> None:
    office.queue("01-100")
    connector = at_the_export(office)
    connector.run()
    connector.response = with_an_endless_id(office, connector.response)

    assert connector.deliver()

    assert office.states() == {"01-100": "UNKNOWN"}
    play_on(connector)
    check_all_arrived(office.quickbooks, 1)


def test_an_id_without_end_is_not_found_either(office: Office) -> None:
    office.queue("01-100")
    at_the_export(office).run()
    office.quickbooks.message_sets.stored.clear()
    CodeExport.objects.update(status="QUEUED")
    Message.objects.all().delete()
    connector = office.connector()
    connector.open()
    connector.fetch()
    connector.run()
    connector.response = with_an_endless_id(office, connector.response)

    assert not connector.deliver()

    assert office.states() == {"01-100": "QUEUED"}
    office.poll()
    check_all_arrived(office.quickbooks, 1)


def with_an_endless_id(office: Office, response: str) -> str:
    list_id = office.quickbooks.item("01-100").list_id
    assert list_id in response
    return response.replace(list_id, "8" * 10_000)


@pytest.mark.parametrize("greeting", SOME.values(), ids=SOME)
def test_as_a_greeting(office: Office, greeting: str) -> None:
    """It says which company file is open: without it nothing is handed out."""
    office.queue(*CODES)
    connector = office.connector()
    assert connector.open()

    document: Any = connector.transport.call("sendRequestXML", connector.ticket, greeting, "", "US", 16, 0)

    assert document == ""
    assert connector._text("getLastError", connector.ticket)
    assert not Message.objects.filter(answered_at=None).exists()
    assert set(office.states().values()) == {"QUEUED"}
    office.poll()
    check_all_arrived(office.quickbooks, 2)
