"""Every character arrives as it was written, or its code stays and the reason stands beside it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from exports import services
from exports.web_connector.models import Message
from tests import factories
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.connector import PollReport
from tests.quickbooks.transports import RawTransport, ZeepTransport

pytestmark = [pytest.mark.django_db, pytest.mark.either]
TREE = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
SEND = "/companies/sample-builders/erp-integrations/send/"
HELD = {
    "01-100": "Béton armé, façade côté Noël – “premier œuvre” — 5 € à l’ouvrage…",
    "01-A&B": "Nuts & bolts & &amp; &#233; <b>bold</b> ]]> <!-- no comment -->",
    '01-6"': '6" pipe, \'single\' and "double" quotes, a \\ and a / and a %s {name}',
    "01-O'Neil": "O'Neil's = \"sum\" ; -- DROP TABLE",
    "01-Ñandú": "ÀÂÄÇÈÉÊËÎÏÔÖÙÛÜŸ àâäçèéêëîïôöùûüÿ ßæøå ÑñÆØÅ ¿¡ £¥§©®±²³½",
    "01-x<y>": "x < y > z",
}
NOT_HELD = ["日本", "😀", "Łódź", "″", "Ωmega", "e\u0301", "→"]


def add(descriptions: dict[str, str]) -> None:
    for code, description in descriptions.items():
        factories.make_cost_code(code, description)


@pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
@pytest.mark.parametrize("names", ["code", "tiers"])
def test_they_survive_the_way_there_and_back(db: None, transport: Any, names: str) -> None:
    office = Office(item_names=names)
    office.poll(transport)
    add(HELD)
    services.send_codes(office.dora, office.connection, None)
    office.accept()

    report = office.poll(transport)

    held = {item.full_name.replace(":", "-"): item.sales_desc for item in office.quickbooks.items}
    assert HELD.items() <= held.items()
    check_all_arrived(office.quickbooks, len(held))
    assert_ascii(report)


def assert_ascii(report: PollReport) -> None:
    """Some releases of QuickBooks read the stream as Windows-1252, whatever it says of itself."""
    assert report.requests
    assert all(document.isascii() for document in report.requests)
    assert all(document.isascii() for document in Message.objects.values_list("text", flat=True))
    assert "B&#233;ton" in "".join(report.requests)


def test_accounts_keep_theirs(office: Office) -> None:
    office.poll()

    names = set(office.connection.gl_accounts.values_list("name", flat=True))
    assert {"Café and Meals", "Job Costs:Materials & Supplies", "Owner's Equity", "Rénovation (old)"} <= names


@pytest.mark.parametrize("text", NOT_HELD)
def test_what_quickbooks_cannot_hold_stays_with_its_reason_beside_it(office: Office, client: Client, text: str) -> None:
    item = factories.make_cost_code("01-100", f"Beton {text}")
    factories.make_cost_code("01-200", "Beton")
    client.force_login(office.dora.user)

    page = client.post(SEND, follow=True).content.decode()

    strange = next(character for character in text if not in_cp1252(character))
    assert office.states() == {"01-200": "READY"}
    assert "1 cost code stays; the reason stands beside each." in page
    row = page.partition(f'id="item-{item.pk}"')[2].partition("</tr>")[0]
    assert f"QuickBooks cannot hold these characters of the description: {strange} (U+{ord(strange):04X})" in row


def in_cp1252(character: str) -> bool:
    return bool(character.encode("cp1252", "ignore"))


def test_so_does_a_code_of_such_characters(office: Office) -> None:
    factories.make_cost_code("01-日本")

    result = services.send_codes(office.dora, office.connection, None)

    assert office.states() == {}
    assert (
        "QuickBooks cannot hold these characters of the code: 日 (U+65E5), 本 (U+672C)" in result.problems[0].sentence
    )
