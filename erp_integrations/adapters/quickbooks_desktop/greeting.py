"""What the Web Connector sends first in each session: the program, the company file and what we stamped into it."""

from __future__ import annotations

import re
from uuid import UUID

from lxml import etree

from erp_integrations.adapters.quickbooks_desktop.answers import document, plain_guid, unreadable
from erp_integrations.errors import ConfigurationError
from erp_integrations.pull import Books

OWNER_ID = UUID("3d9ed4b1-6a6c-4b0f-8a52-7c1f0e5b9d24")  # of Tieback in every company file; never changes
NEEDED = (13, 0)  # qbXML of QuickBooks 2014


def read(greeting: str) -> Books:
    """Wherever in the document they stand: it is put together by the Web Connector, and not alike in all versions."""
    root = document(greeting)
    company = next(root.iter("CompanyRet"), None)
    if company is None:
        raise unreadable("no CompanyRet")
    host = next(root.iter("HostRet"), None)
    _require_qbxml(root)
    return Books(
        company=(company.findtext("CompanyName") or company.findtext("LegalCompanyName") or "").strip(),
        version="QuickBooks" if host is None else _version(host),
        owner_key=_file_id(company),
    )


def _require_qbxml(root: etree._Element) -> None:
    """Regional editions have names such as CA3.0; one that names none is taken at the Web Connector's word."""
    told = [_dotted(element.text or "") for element in root.iter("SupportedQBXMLVersion")]
    if told and max(told) < NEEDED:
        raise ConfigurationError(
            "This QuickBooks is too old: Tieback needs QuickBooks Desktop 2014 or later. Update it.",
            f"qbXML up to {'.'.join(map(str, max(told)))}",
        )


def _dotted(text: str) -> tuple[int, ...]:
    found = re.fullmatch(r"\s*([0-9]{1,5})\.([0-9]{1,5})\s*", text, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _version(host: etree._Element) -> str:
    name = (host.findtext("ProductName") or "QuickBooks").strip()
    major = (host.findtext("MajorVersion") or "").strip()
    if not major or re.search("[0-9]", name):
        return name
    return f"{name} {major}.{(host.findtext('MinorVersion') or '0').strip()}"


def _file_id(company: etree._Element) -> str:
    for extension in company.iter("DataExtRet"):
        owner, name = extension.findtext("OwnerID") or "", extension.findtext("DataExtName") or ""
        if plain_guid(owner) == str(OWNER_ID) and name.strip() == "FileID":
            return plain_guid(extension.findtext("DataExtValue") or "")
    return ""
