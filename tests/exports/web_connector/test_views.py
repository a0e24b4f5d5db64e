"""What Settings offers for a connector, and what the review page tells of it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from lxml import etree

from companies.models import AuditEvent
from core.clock import in_seconds
from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.models import Connection
from exports import services
from exports.models import CodeExport
from exports.web_connector.models import Access, username_of
from tests import factories
from tests.erp_integrations.pages import BASE, HTMX, text
from tests.exports.review_pages import seen
from tests.exports.web_connector.conftest import INCOME, Office

pytestmark = [pytest.mark.django_db, pytest.mark.either]
NEW = f"{BASE}new/quickbooks-desktop/"
SETTINGS = f"{BASE}quickbooks/settings/"
QWC, PASSWORD = f"{SETTINGS}qwc/", f"{SETTINGS}password/"
REVIEW = f"{BASE}quickbooks/standard-cost-codes/"


def client_of(member: Any) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def dora(office: Office) -> Client:
    return client_of(office.dora)


@pytest.fixture
def alice(office: Office) -> Client:
    return client_of(office.alice)


class TestConnecting:
    VALUES = {"name": "Our Books", "options-item_names": "tiers", "options-codes_per_message": "40"}

    @pytest.fixture
    def dora(self, db: None) -> Client:
        return client_of(factories.make_dora())

    def test_two_things_are_asked(self, dora: Client) -> None:
        page = text(dora.get(NEW))

        assert re.findall(r"<label[^>]*>([^<]+)</label>", page) == ["Name", "Item Names", "Codes per Message"]
        assert "Next you download a file for the Web Connector." in page

    def test_it_is_connected_without_any_call_and_settings_tell_what_is_next(self, dora: Client) -> None:
        response = dora.post(NEW, self.VALUES, follow=True)

        connection = Connection.objects.get()
        assert response.redirect_chain == [(f"{BASE}our-books/settings/", 302)]
        assert "Connected. Now download the .qwc file and make the password." in text(response)
        assert connection.options == {"item_names": "tiers", "codes_per_message": 40}
        assert (connection.last_contact_at, connection.gl_accounts.count()) == (None, 0)

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("codes_per_message", "0", "greater than or equal to 1"),
            ("codes_per_message", "101", "less than or equal to 100"),
            ("codes_per_message", "many", "Enter a whole number."),
            ("codes_per_message", "", "This field is required."),
            ("item_names", "flat", "Select a valid choice."),
        ],
    )
    def test_a_bad_value_is_told_beside_its_field(self, dora: Client, field: str, value: str, sentence: str) -> None:
        response = dora.post(NEW, {**self.VALUES, f"options-{field}": value})

        error = re.findall(rf'id="id_options-{field}_error">([^<]+)', text(response))
        assert error
        assert sentence in unescape(error[0])
        assert not Connection.objects.exists()

    def test_a_second_company_file_is_a_second_connection(self, office: Office) -> None:
        client_of(office.dora).post(NEW, self.VALUES)

        guids = set(Connection.objects.values_list("guid", flat=True))
        assert len(guids) == 2


class TestQwc:
    def read(self, response: HttpResponse) -> dict[str, str]:
        root = etree.fromstring(response.content)
        assert root.tag == "QBWCXML"
        return {str(each.tag): each.text or "" for each in root.iter() if not len(each)}

    def test_it_introduces_this_connection(self, office: Office, dora: Client, settings: Any) -> None:
        settings.SITE_URL = "https://tieback.example.com"

        response = dora.get(QWC)

        address = f"https://tieback.example.com/web-connector/{office.connection.guid}/"
        assert self.read(response) == {
            "AppName": "Tieback - Sample Builders - QuickBooks",
            "AppID": "",
            "AppURL": address,
            "AppDescription": "Carries cost codes into QuickBooks as Service items",
            "AppSupport": f"{address}support/",
            "UserName": username_of(office.connection),
            "OwnerID": f"{{{OWNER_ID}}}",
            "FileID": f"{{{office.connection.guid}}}",
            "QBType": "QBFS",
            "IsReadOnly": "false",
            "RunEveryNMinutes": "5",
        }
        assert response.content.startswith(b'<?xml version="1.0"?>')
        assert response["Content-Disposition"] == 'attachment; filename="sample-builders-quickbooks.qwc"'

    def test_its_pages_answer(self, dora: Client, client: Client) -> None:
        told = self.read(dora.get(QWC))

        for page in ("AppURL", "AppSupport"):
            assert client.get(told[page]).status_code == 200

    def test_it_is_the_same_at_each_download_and_has_no_password(self, office: Office, dora: Client) -> None:
        first = dora.get(QWC).content
        office.password = Access.renew(office.connection, office.dora.user)

        again = dora.get(QWC).content

        assert first == again
        assert office.password.encode() not in again

    def test_names_are_escaped(self, office: Office, dora: Client) -> None:
        office.connection.company.name = 'Bérubé & Sons <"Builders">'
        office.connection.company.save()

        response = dora.get(QWC)

        assert self.read(response)["AppName"] == 'Tieback - Bérubé & Sons <"Builders"> - QuickBooks'
        assert b"B&#233;rub&#233; &amp; Sons &lt;" in response.content

    @pytest.mark.parametrize(
        ("site", "sentence"),
        [
            (
                "https://192.0.2.7",
                "The Web Connector refuses addresses such as 192.0.2.7. Set SITE_URL to a host name.",
            ),
            ("https://[2001:db8::1]:8000", "The Web Connector refuses addresses such as 2001:db8::1."),
            (
                "http://tieback.example.com",
                "The Web Connector needs https, and SITE_URL is http://tieback.example.com.",
            ),
        ],
    )
    def test_an_address_that_no_connector_takes_is_told_instead(
        self, dora: Client, settings: Any, site: str, sentence: str
    ) -> None:
        settings.SITE_URL = site

        response = dora.get(QWC, follow=True)

        assert response.redirect_chain == [(SETTINGS, 302)]
        assert sentence in text(response)

    @pytest.mark.parametrize("site", ["http://localhost:8000", "https://localhost", "https://tieback.example.com:8443"])
    def test_others_are_taken(self, dora: Client, settings: Any, site: str) -> None:
        settings.SITE_URL = site

        assert self.read(dora.get(QWC))["AppURL"].startswith(f"{site}/web-connector/")


class TestPassword:
    def shown(self, response: HttpResponse) -> str:
        found = re.search(
            r'<label for="([\w-]+)">Password for the Web Connector</label>: <output id="\1">([^<]+)</output>',
            text(response),
        )
        assert found
        return found[2]

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["without JavaScript", "with it"])
    def test_it_is_shown_once_and_opens_the_door(self, office: Office, dora: Client, headers: dict[str, str]) -> None:
        response = dora.post(PASSWORD, headers=headers)

        office.password = self.shown(response)
        assert ("<html" in text(response)) == (not headers)
        assert username_of(office.connection) in text(response)
        assert office.password not in text(dora.get(SETTINGS))
        assert office.poll().outcome == "work"

    def test_each_is_another_and_ends_the_one_before(self, office: Office, dora: Client) -> None:
        first, second = self.shown(dora.post(PASSWORD)), self.shown(dora.post(PASSWORD))

        assert len({first, second, office.password}) == 3
        office.password = first
        assert office.poll().outcome == "nvu"

    def test_it_is_audited_without_its_words(self, dora: Client) -> None:
        password = self.shown(dora.post(PASSWORD))

        event = AuditEvent.objects.filter(label="QuickBooks: Password").latest("pk")
        assert (event.actor.username, event.new) == ("dora", "made")
        assert password not in str(list(AuditEvent.objects.values()))


class TestSettings:
    def test_they_offer_the_file_and_the_password(self, office: Office, dora: Client) -> None:
        page = text(dora.get(SETTINGS))

        assert re.search(rf'<a[^>]* href="{QWC}">Download .qwc</a>', page)
        assert f'action="{PASSWORD}"' in page
        assert "New Password</button>" in page
        assert f'href="/web-connector/{office.connection.guid}/support/"' in page

    def test_an_erp_that_we_call_has_neither(self, dora: Client) -> None:
        factories.make_connection()
        practice = f"{BASE}practice-erp/settings/"

        page = text(dora.get(practice))

        assert "qwc" not in page
        assert "New Password" not in page
        assert dora.get(f"{practice}qwc/").status_code == 404
        assert dora.post(f"{practice}password/").status_code == 404

    @pytest.mark.parametrize(("person", "status"), [("alice", 403), ("bob", 403), ("charlie", 404)])
    def test_nobody_but_an_admin_of_the_tool_gets_them(self, office: Office, person: str, status: int) -> None:
        member = office.alice if person == "alice" else getattr(factories, f"make_{person}")()
        client, before = client_of(member), Access.objects.get().password_hash

        assert (client.get(QWC).status_code, client.post(PASSWORD).status_code) == (status, status)
        assert Access.objects.get().password_hash == before

    def test_changed_item_names_count_from_the_next_code_on(self, office: Office, dora: Client) -> None:
        values = {"name": "QuickBooks", "options-item_names": "tiers", "options-codes_per_message": "5"}

        dora.post(SETTINGS, {**values, "income": "", "expense": ""})

        assert office.refreshed().capabilities.has_tiers
        assert office.refreshed().capabilities.batch_size == 5

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_test_connection_tells_what_was_heard_last(
        self, office: Office, dora: Client, headers: dict[str, str]
    ) -> None:
        before = text(dora.post(f"{SETTINGS}test/", headers=headers))
        office.poll()
        after = text(dora.post(f"{SETTINGS}test/", headers=headers))

        assert "The Web Connector has not told yet which company file is open." in before
        clock = office.connection.company.local(office.refreshed().last_contact_at)
        assert f"Connected to {unescape(office.refreshed().books)}" in unescape(after)
        assert f"the Web Connector last called {clock:%H:%M}." in after

    def test_test_connection_tells_what_went_wrong(self, office: Office, dora: Client) -> None:
        office.poll()
        office.connection.ask_for_gl_accounts()
        office.poll(connection_errors=1)

        assert "QuickBooks could not be started." in text(dora.post(f"{SETTINGS}test/"))

    def test_sync_gl_accounts_waits_for_the_next_call(self, office: Office, dora: Client) -> None:
        office.poll()
        office.quickbooks.add_account("Solar Income", "Income", number="4500")

        page = text(dora.post(f"{BASE}quickbooks/gl-accounts/sync/", follow=True))

        assert "The GL accounts are read when the Web Connector calls next." in page
        assert "Solar Income" not in page
        office.poll()
        assert "Solar Income" in text(dora.get(f"{BASE}quickbooks/gl-accounts/"))


class TestReview:
    def row(self, page: str, row: CodeExport) -> str:
        found = page.partition(f'id="export-{row.pk}"')[2].partition("</tr>")[0]
        assert found, page
        return found

    def poll(self, client: Client, mark: str, *rows: CodeExport) -> HttpResponse:
        data = {"mark": mark, "seen": seen(*rows), "filter": "all"}
        return client.post(f"{REVIEW}poll/", data, headers=HTMX)

    def mark(self, page: str) -> str:
        found = re.search(r'name="mark" value="([^"]*)"', page)
        assert found
        return found[1]

    def wait(self, office: Office) -> CodeExport:
        """A code that waits, although no connector ever called."""
        factories.make_account(office.connection)
        office.send("01-100")
        CodeExport.objects.update(income_account=office.connection.gl_accounts.get())
        services.queue_codes(office.alice, office.connection, office.seen())
        return office.row("01-100")

    def test_a_code_waits_for_a_connector_that_never_called(self, office: Office, alice: Client) -> None:
        row = self.wait(office)

        page = text(alice.get(f"{REVIEW}?filter=all"))

        assert "Waiting for Web Connector, never seen" in self.row(page, row)
        assert "No contact yet" in page

    def test_the_page_hears_of_a_call_without_a_reload(self, office: Office, alice: Client) -> None:
        row = self.wait(office)
        mark = self.mark(text(alice.get(f"{REVIEW}?filter=all")))
        assert self.poll(alice, mark, row).status_code == 204

        office.connection.note_contact()
        response = self.poll(alice, mark, row)

        clock = office.connection.company.local(office.refreshed().last_contact_at)
        assert f"Waiting for Web Connector, last seen {clock:%H:%M}" in self.row(text(response), row)
        assert 'id="connection-context" hx-swap-oob="true"' in text(response)
        assert self.poll(alice, self.mark(text(response)), row).status_code == 204

    def test_it_hears_of_success_too(self, office: Office, alice: Client) -> None:
        row = office.queue("01-100")[0]
        mark = self.mark(text(alice.get(f"{REVIEW}?filter=all")))

        office.poll()
        response = self.poll(alice, mark, row)

        assert 'data-status="SUCCESS"' in self.row(text(response), row)

    @pytest.mark.parametrize(("hours", "is_told"), [(23, False), (25, True)])
    def test_a_connector_that_was_silent_for_a_day_is_told(
        self, office: Office, alice: Client, hours: int, is_told: bool
    ) -> None:
        office.poll()
        Connection.objects.update(last_contact_at=in_seconds(-3600 * hours))

        page = text(alice.get(REVIEW))

        assert ("The Web Connector has not called since" in page) == is_told
        assert (f"/web-connector/{office.connection.guid}/support/" in page) == is_told

    def test_so_is_one_that_never_called(self, office: Office, alice: Client) -> None:
        assert "never called" not in text(alice.get(REVIEW))

        Connection.objects.update(created_at=in_seconds(-3600 * 25))

        assert "The Web Connector has never called." in text(alice.get(REVIEW))

    def test_an_income_account_alone_tells_about_purchases(self, office: Office, alice: Client) -> None:
        office.poll()
        one, two = office.send("01-100", "01-200")
        sentence = "Purchases are posted to the income account too."
        assert sentence not in text(alice.get(REVIEW))

        values = {"income": office.account(INCOME).pk, "expense": "", "version": one.version}
        told = alice.post(f"{REVIEW}{one.pk}/assign/", values, headers=HTMX)

        assert sentence in text(told)
        page = text(alice.get(REVIEW))
        assert sentence in self.row(page, one)
        assert sentence not in self.row(page, two)

    def test_link_is_offered_for_a_service_item_alone(self, office: Office, alice: Client) -> None:
        office.quickbooks.add_item("Service", "01-100")
        office.quickbooks.add_item("Inventory", "01-200")
        service, inventory = office.queue("01-100", "01-200")
        office.poll()

        page = text(alice.get(f"{REVIEW}?filter=all"))

        assert "Link</button>" in self.row(page, service)
        assert "Link</button>" not in self.row(page, inventory)
        assert "only Service items can be linked" in self.row(page, inventory)
