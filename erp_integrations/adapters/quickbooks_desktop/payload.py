"""Our words as qbXML 13.0. The order of elements is QuickBooks'; text is plain ASCII with numeric references, since
some releases read the stream as Windows-1252 whatever it says of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid5

from lxml import etree

from erp_integrations.base import CodeData

PROLOG = '<?xml version="1.0" encoding="utf-8"?><?qbxml version="13.0"?>'
REFERENCES = UUID("8f1c6f0e-51d7-4a53-9c39-3a6d2a0f6b1e")  # what makes a GUID of a reference of ours; never changes
ACCOUNT_FIELDS = ("ListID", "FullName", "IsActive", "AccountType", "AccountNumber")
PLACE_FIELDS = ("ListID", "Name", "FullName", "IsActive")  # some types of items have no FullName
ITEM_FIELDS = (*PLACE_FIELDS, "SalesOrPurchase", "SalesAndPurchase", "ExternalGUID")
INACTIVE_FIELDS = (*PLACE_FIELDS, "ExternalGUID")


def guid_of(code: CodeData) -> UUID:
    """Our reference as QuickBooks keeps it: the item's ExternalGUID, which also numbers the request."""
    return guid_of_reference(code.reference)


def guid_of_reference(reference: str) -> UUID:
    return uuid5(REFERENCES, reference)


def full_name(names: Iterable[str]) -> str:
    return ":".join(names)


def message(*requests: etree._Element, **names: str) -> str:
    """One message; one bad request does not stop those after it. `names` are the attributes that name the message."""
    body = node("QBXMLMsgsRq", *requests, onError="continueOnError", **names)
    return PROLOG + etree.tostring(node("QBXML", body), encoding="us-ascii").decode("ascii")


def account_query() -> etree._Element:
    return node("AccountQueryRq", node("ActiveStatus", "All"), *_only(ACCOUNT_FIELDS), requestID="accounts")


def item_queries(codes: Sequence[CodeData], has_tiers: bool) -> list[etree._Element]:
    """Items of these names, and where all inactive items are.

    Intuit does not say whether a query by name finds inactive items. The second query makes it all the same; it asks
    for so little of each that even a full list of them stays small.
    """
    wanted = [node("FullName", full_name(code.names(has_tiers))) for code in codes]
    return [
        node("ItemQueryRq", *wanted, *_only(ITEM_FIELDS), requestID="named"),
        node("ItemQueryRq", node("ActiveStatus", "InactiveOnly"), *_only(INACTIVE_FIELDS), requestID="inactive"),
    ]


def item_add(code: CodeData, has_tiers: bool) -> etree._Element:
    *above, name = code.names(has_tiers)
    item = node("ItemServiceAdd", node("Name", name))
    if above:
        item.append(node("ParentRef", node("FullName", full_name(above))))
    item.append(_sides(code))
    item.append(node("ExternalGUID", f"{{{guid_of(code)}}}"))
    return node("ItemServiceAddRq", item, requestID=guid_of(code).hex)


def _sides(code: CodeData) -> etree._Element:
    """What is posted where. With one account alone QuickBooks posts purchases to it too."""
    if code.income_account is None:
        raise ValueError(f"{code.code} has no income account")
    if code.expense_account is None:
        return node(
            "SalesOrPurchase", node("Desc", code.description), node("AccountRef", node("ListID", code.income_account))
        )
    return node(
        "SalesAndPurchase",
        node("SalesDesc", code.description),
        node("IncomeAccountRef", node("ListID", code.income_account)),
        node("PurchaseDesc", code.description),
        node("ExpenseAccountRef", node("ListID", code.expense_account)),
    )


def _only(fields: Iterable[str]) -> list[etree._Element]:
    return [node("IncludeRetElement", field) for field in fields]


def node(tag: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    made = etree.Element(tag, attributes)
    for part in content:
        if isinstance(part, str):
            made.text = part
        else:
            made.append(part)
    return made
