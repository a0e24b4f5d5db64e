"""That only a .qwc file which the real Web Connector takes is taken."""

from __future__ import annotations

import pytest

from tests.quickbooks.company import QuickBooks
from tests.quickbooks.qwc import NotAdded, add_application

pytestmark = pytest.mark.once

OWNER, FILE = "{90a44fb7-33d9-4815-ac85-ac86a7e7d1eb}", "{57f3b9b6-86f1-4fcc-b1ff-966de1813d20}"
QWC = f"""<?xml version="1.0"?>
<QBWCXML>
  <AppName>Codes &amp; more</AppName>
  <AppID></AppID>
  <AppURL>https://codes.example/qbwc</AppURL>
  <AppDescription>Carries codes.</AppDescription>
  <AppSupport>https://codes.example/help</AppSupport>
  <UserName>hillside-1</UserName>
  <OwnerID>{OWNER}</OwnerID>
  <FileID>{FILE}</FileID>
  <QBType>QBFS</QBType>
  <Scheduler><RunEveryNMinutes>5</RunEveryNMinutes></Scheduler>
  <IsReadOnly>false</IsReadOnly>
</QBWCXML>
"""


def test_it_stamps_the_company_file() -> None:
    quickbooks = QuickBooks()

    application = add_application(QWC.encode(), quickbooks)

    assert (quickbooks.owner_id, quickbooks.file_id) == (OWNER, FILE)
    assert (application.name, application.username) == ("Codes & more", "hillside-1")
    assert (application.url, application.every_s) == ("https://codes.example/qbwc", 300)
    assert FILE in quickbooks.host_response()


def test_the_same_file_may_be_added_again() -> None:
    quickbooks = QuickBooks()

    add_application(QWC.encode(), quickbooks)
    add_application(QWC.encode(), quickbooks)

    assert quickbooks.stamps == {OWNER: FILE}


def test_localhost_needs_no_https() -> None:
    assert add_application(QWC.replace("https://codes.example", "http://localhost:8000").encode(), QuickBooks())


def test_another_file_id_of_the_same_owner_is_refused() -> None:
    quickbooks = QuickBooks(owner_id=OWNER, file_id=FILE.replace("5", "6"))

    with pytest.raises(NotAdded, match="QBWC1039"):
        add_application(QWC.encode(), quickbooks)

    assert quickbooks.file_id == FILE.replace("5", "6")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<?xml", "\ufeff<?xml", "QBWC1039"),
        ("<?xml", "\n<?xml", "QBWC1039"),
        ("&amp;", "&", "QBWC1039"),
        ("QBWCXML", "QBWC", "QBWC1039"),
        ("  <AppID></AppID>\n", "", "QBWC1039"),
        ("  <UserName>hillside-1</UserName>\n", "", "QBWC1039"),
        ("hillside-1", "", "QBWC1039"),
        ("<IsReadOnly>false", "<IsReadOnly>true", "QBWC1039"),
        ("IsReadOnly>", "Password>", "QBWC1039"),
        ("IsReadOnly>", "PersonalDataPrep>", "QBWC1039"),
        ("<IsReadOnly>false</IsReadOnly>", "<Style>RPC</Style>", "QBWC1039"),
        ("<IsReadOnly>false</IsReadOnly>", "<AppID>2</AppID>", "QBWC1039"),
        ("QBFS", "QBPOS", "QBWC1039"),
        (OWNER, OWNER.strip("{}"), "QBWC1039"),
        (FILE, "1", "QBWC1039"),
        ("Carries codes.", "x" * 81, "QBWC1039"),
        ("RunEveryNMinutes", "RunEvery", "QBWC1039"),
        (">5<", ">five<", "QBWC1039"),
        ("https://codes.example/qbwc", "https://192.0.2.1/qbwc", "QBWC1001"),
        ("https://codes.example/help", "https://[2001:db8::1]/help", "QBWC1002"),
        ("https://codes.example/help", "https://help.example/", "QBWC1000"),
        ("https://codes.example/qbwc", "http://codes.example/qbwc", "QBWC1010"),
    ],
)
def test_what_the_web_connector_refuses(old: str, new: str, code: str) -> None:
    assert old in QWC
    quickbooks = QuickBooks()

    with pytest.raises(NotAdded) as caught:
        add_application(QWC.replace(old, new).encode(), quickbooks)

    assert caught.value.code == code
    assert quickbooks.stamps == {}
