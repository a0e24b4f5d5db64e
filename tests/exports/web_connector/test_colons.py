"""A company whose tiers are joined by ":", as QuickBooks joins them itself, with "Tiers as sub-items"."""

from __future__ import annotations

import pytest

from exports import services
from tests import factories
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived
from wbs.lists.checking import NewCode
from wbs.rules import breaches, warn_of_new

pytestmark = [pytest.mark.django_db, pytest.mark.either]

CODES = {"01": "General conditions", "01:0010": "Mobilization", "01:0020": "Permits"}


@pytest.fixture
def office(tiered_office: Office) -> Office:
    factories.make_segment(delimiter=":")
    return tiered_office


def test_a_list_of_such_codes_is_imported_without_a_warning(office: Office) -> None:
    rows = [NewCode(tuple(code.split(":")), text, row=row) for row, (code, text) in enumerate(CODES.items(), 2)]

    assert warn_of_new(factories.make_segment(), rows, ":") == []


def test_a_colon_within_a_tier_is_told_still(office: Office) -> None:
    [problem] = warn_of_new(factories.make_segment(delimiter=":"), [NewCode(("01", "00:10"), "Mobilization")], ":")

    assert "does not allow : in a code" in problem.sentence


def test_the_rules_page_has_nothing_against_them(office: Office) -> None:
    office.send(*CODES)

    assert list(breaches(office.connection)) == []


def test_they_are_sent_looked_up_exported_and_known_again(office: Office) -> None:
    office.poll()
    for code, text in CODES.items():
        factories.make_cost_code(code, text)

    result = services.send_codes(office.dora, office.connection, None)
    office.accept()
    report = office.poll()

    assert (result.count, result.problems) == (3, [])
    look_up, *adds = report.requests
    assert "<FullName>01:0010</FullName>" in look_up
    assert "<Name>0010</Name><ParentRef><FullName>01</FullName></ParentRef>" in "".join(adds)
    check_all_arrived(office.quickbooks, 3)
    assert {item.full_name for item in office.quickbooks.items} == set(CODES)
    assert office.row("01:0010").receipt["code"] == "01:0010"


def test_an_item_by_hand_is_found_under_its_full_name(office: Office) -> None:
    office.poll()
    office.quickbooks.add_item("Service", "01")
    item = office.quickbooks.add_item("Service", "0010", parent="01")
    office.send("01:0010")
    office.accept()

    office.poll()

    assert office.states() == {"01": "ATTENTION", "01:0010": "ATTENTION"}
    assert office.row("01:0010").receipt["remote_id"] == item.list_id
