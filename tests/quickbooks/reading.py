"""How a test reads what QuickBooks answers."""

from __future__ import annotations

from lxml import etree

from tests.quickbooks.cases import document
from tests.quickbooks.company import QuickBooks


def answer(quickbooks: QuickBooks, *requests: str, **attributes: str) -> etree._Element:
    """The QBXMLMsgsRs."""
    return etree.fromstring(quickbooks.run(document(*requests, **attributes)).encode())[0]


def only(quickbooks: QuickBooks, request: str) -> etree._Element:
    (response,) = answer(quickbooks, request)
    return response


def statuses(response: etree._Element) -> list[str]:
    return [each.get("statusCode") for each in response]


def tags(element: etree._Element) -> list[str]:
    return [each.tag for each in element]


def names(response: etree._Element) -> list[str]:
    return [each.findtext("FullName") for each in response]
