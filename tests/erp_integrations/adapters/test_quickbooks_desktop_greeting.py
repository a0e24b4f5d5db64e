"""What the Web Connector tells of QuickBooks at the start of a session."""

from __future__ import annotations

import pytest

from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.errors import ConfigurationError
from tests.erp_integrations.adapters.quickbooks_wire import FLAT

pytestmark = pytest.mark.once


def greeting(product: str = "QuickBooks Enterprise Solutions 24.0", versions: str = "12.0 13.0 16.0") -> str:
    told = "".join(f"<SupportedQBXMLVersion>{version}</SupportedQBXMLVersion>" for version in versions.split())
    return f"""<?xml version="1.0" ?><QBXML><QBXMLMsgsRs><HostQueryRs statusCode="0"><HostRet>
      <ProductName>{product}</ProductName><MajorVersion>34</MajorVersion><MinorVersion>1</MinorVersion>
      <Country>US</Country>{told}</HostRet></HostQueryRs><CompanyQueryRs statusCode="0"><CompanyRet>
      <CompanyName>Béton &amp; Sons</CompanyName>
      <DataExtRet><OwnerID>{{00000000-0000-0000-0000-000000000001}}</OwnerID><DataExtName>FileID</DataExtName>
        <DataExtValue>{{11111111-0000-0000-0000-000000000001}}</DataExtValue></DataExtRet>
      <DataExtRet><OwnerID>{str(OWNER_ID).upper()}</OwnerID><DataExtName>FileID</DataExtName>
        <DataExtValue>{{ABCDEF00-0000-0000-0000-000000000002}}</DataExtValue></DataExtRet>
      </CompanyRet></CompanyQueryRs></QBXMLMsgsRs></QBXML>"""


def test_the_greeting_tells_company_version_and_what_we_stamped_into_the_file() -> None:
    books = FLAT.read_greeting(greeting())

    assert books.company == "Béton & Sons"
    assert books.version == "QuickBooks Enterprise Solutions 24.0"
    assert books.owner_key == "abcdef00-0000-0000-0000-000000000002"


def test_a_file_that_we_stamped_nothing_into_says_so() -> None:
    assert FLAT.read_greeting("<QBXML><CompanyRet><CompanyName>A</CompanyName></CompanyRet></QBXML>").owner_key == ""


def test_a_product_without_a_number_has_its_version_added() -> None:
    assert FLAT.read_greeting(greeting("QuickBooks Pro")).version == "QuickBooks Pro 34.1"


@pytest.mark.parametrize("versions", ["12.0", "1.0 2.0 9.0", "CA3.0", "6.1"])
def test_a_quickbooks_that_is_too_old_is_refused_with_what_to_do(versions: str) -> None:
    with pytest.raises(ConfigurationError, match="Update it"):
        FLAT.read_greeting(greeting(versions=versions))


@pytest.mark.parametrize("versions", ["", "13.0", "9.0 100.0", "CA3.0 14.0"])
def test_a_newer_one_or_one_that_tells_no_versions_is_taken(versions: str) -> None:
    assert FLAT.read_greeting(greeting(versions=versions)).company
