from __future__ import annotations

import pytest
from django.test import Client

from companies.models import Level
from erp_integrations.models import Connection
from tests.factories import (
    make_account,
    make_company,
    make_connection,
    make_cost_code,
    make_export,
    make_member,
    make_segment,
)
from tests.wbs.conftest import alice as alice
from tests.wbs.conftest import bob as bob
from tests.wbs.conftest import charlie as charlie
from tests.wbs.conftest import dora as dora
from tests.wbs.conftest import signed_in
from tests.wbs.test_views_segments import text_of
from wbs.lists.checking import NewCode

RULES = "/companies/sample-builders/erp-integrations/books/rules/"
CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"

pytestmark = [pytest.mark.django_db, pytest.mark.either]


@pytest.fixture(autouse=True)
def books() -> Connection:
    return make_connection(make_company(), erp="quickbooks-desktop", name="Books", slug="books")


def page(client: Client, query: str = "") -> str:
    response = client.get(RULES + query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_tells_each_code_with_its_reasons_and_leads_to_it(dora: Client, bob: Client) -> None:
    item = make_cost_code("01:1-" + "9" * 40)
    make_cost_code("01-100")

    html = page(dora)

    shown = text_of(html)
    assert "1 active cost code that QuickBooks Desktop would refuse as it is." in shown
    assert "this code has 45. Shorten it. QuickBooks Desktop does not allow : in a code. Take it out." in shown
    assert f'href="{CODES}{item.pk}/"' in html
    assert f'href="{CODES}?q=01%3A1-' in page(bob)
    grace = signed_in(make_member("grace", erp=Level.READ_ONLY))
    assert CODES not in page(grace)


def test_it_says_when_nothing_would_be_refused(bob: Client) -> None:
    make_cost_code("01-100")

    assert "Every active cost code keeps the rules of QuickBooks Desktop." in text_of(page(bob))


def test_long_lists_have_pages(bob: Client) -> None:
    make_segment().add_codes([NewCode(("9" * 40 + str(number),), "x") for number in range(100, 250)], "-", None)

    assert page(bob).count('<tr id="breach-') == 100
    assert page(bob, "?page=2").count('<tr id="breach-') == 50
    assert page(bob, "?page=x").count('<tr id="breach-') == 100


def test_a_connection_that_cannot_be_asked_says_why(bob: Client) -> None:
    Connection.objects.update(options={"unknown": "1"})

    assert "QuickBooks Desktop does not know the option unknown. Save the Settings anew." in text_of(page(bob))


def test_it_hides_from_other_companies_and_from_those_without_the_tool(charlie: Client) -> None:
    assert charlie.get(RULES).status_code == 404
    ivan = signed_in(make_member("ivan", admin=Level.ADMIN))
    assert ivan.get(RULES).status_code == 403
    assert ivan.post(RULES).status_code == 405


def test_a_code_whose_account_changed_in_the_erp_is_among_them(books: Connection, bob: Client) -> None:
    account = make_account(books, "4000", kind="other", name="Checking")
    make_export("01-100", books, income_account=account)
    make_export("01:200", books, income_account=account)

    shown = text_of(page(bob))

    assert "2 active cost codes that QuickBooks Desktop would refuse as they are." in shown
    assert shown.count("Income account 4000 Checking is of the type Other in the ERP now. Choose another.") == 2
