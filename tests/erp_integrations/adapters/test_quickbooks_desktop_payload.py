"""The exact words that the QuickBooks Desktop adapter sends."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.adapters.quickbooks_desktop.payload import guid_of
from tests.erp_integrations.adapters.quickbooks_wire import CODE, FLAT, ONE_SIDED, PROLOG, TIERED
from tests.quickbooks.schema import read

pytestmark = pytest.mark.once

KEY, DONE = "A" * 22, "B" * 22


def add(sides: str, name: str = "<Name>01-0010</Name>") -> str:
    guid = guid_of(CODE)
    return (
        f'{PROLOG}<QBXML><QBXMLMsgsRq onError="continueOnError" newMessageSetID="{KEY}">'
        f'<ItemServiceAddRq requestID="{guid.hex}"><ItemServiceAdd>{name}{sides}'
        f"<ExternalGUID>{{{guid}}}</ExternalGUID></ItemServiceAdd></ItemServiceAddRq></QBXMLMsgsRq></QBXML>"
    )


DESC = "B&#233;ton &#8212; 2&#8243; &amp; &lt;b&gt;"
ONE_SIDE = (
    f"<SalesOrPurchase><Desc>{DESC}</Desc><AccountRef><ListID>8000000A-17</ListID></AccountRef></SalesOrPurchase>"
)
TWO_SIDES = (
    f"<SalesAndPurchase><SalesDesc>{DESC}</SalesDesc><IncomeAccountRef><ListID>8000000A-17</ListID></IncomeAccountRef>"
    f"<PurchaseDesc>{DESC}</PurchaseDesc><ExpenseAccountRef><ListID>8000000B-17</ListID></ExpenseAccountRef>"
    "</SalesAndPurchase>"
)


def test_with_both_accounts_it_is_sold_and_purchased() -> None:
    assert FLAT.export_message([CODE], KEY) == add(TWO_SIDES)


def test_with_an_income_account_alone_it_has_one_side() -> None:
    assert FLAT.export_message([ONE_SIDED], KEY) == add(ONE_SIDE)


def test_tiers_hang_below_the_item_of_their_parent() -> None:
    name = "<Name>0010</Name><ParentRef><FullName>01</FullName></ParentRef>"

    assert TIERED.export_message([ONE_SIDED], KEY) == add(ONE_SIDE, name)


def test_parents_come_first_and_the_rest_keep_their_order() -> None:
    tiers = [("02", "1", "a"), ("01",), ("02", "1"), ("02",)]
    codes = [replace(CODE, reference="-".join(each), tiers=each) for each in tiers]

    names = re.findall("<Name>(.*?)</Name>", TIERED.export_message(codes, KEY))

    assert names == ["01", "02", "1", "a"]


def test_an_earlier_message_may_be_forgotten() -> None:
    assert f'newMessageSetID="{KEY}" oldMessageSetID="{DONE}"' in FLAT.export_message([CODE], KEY, DONE)
    assert "oldMessageSetID" not in FLAT.export_message([CODE], KEY)


@pytest.mark.parametrize("adapter", [FLAT, TIERED])
def test_every_message_is_plain_ascii_that_the_schema_allows(adapter: QuickBooksDesktopAdapter) -> None:
    messages = [
        adapter.accounts_message(),
        adapter.find_message([CODE, ONE_SIDED]),
        adapter.export_message([CODE, ONE_SIDED], KEY, DONE),
    ]

    for message in messages:
        assert message.isascii()
        assert message.startswith(PROLOG)
        read(message, "13.0")


def test_items_are_asked_for_by_name_and_inactive_ones_as_a_whole() -> None:
    message = TIERED.find_message([CODE])

    assert "<FullName>01:0010</FullName>" in message
    assert "<ActiveStatus>InactiveOnly</ActiveStatus>" in message
    assert "<FullName>01-0010</FullName>" in FLAT.find_message([CODE])


def test_a_guid_of_a_reference_never_changes() -> None:
    """It stands in company files: were it another tomorrow, we would not know our own items."""
    assert str(guid_of(CODE)) == "bc4c10bc-f71b-5ae5-8737-9a72a592955b"
    assert str(OWNER_ID) == "3d9ed4b1-6a6c-4b0f-8a52-7c1f0e5b9d24"


def test_a_code_without_an_income_account_is_never_sent() -> None:
    with pytest.raises(ValueError, match="01-0010 has no income account"):
        FLAT.export_message([replace(CODE, income_account=None)], KEY)
