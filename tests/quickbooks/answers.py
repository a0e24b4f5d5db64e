"""Writes what QuickBooks answers, element by element in the documented order."""

from __future__ import annotations

import re
from datetime import datetime

from lxml import etree

from tests.quickbooks.lists import TYPES_WITH_TIERS, Account, Element, Item

PLAIN_XML = '<?xml version="1.0" ?>\n'
# What people paste is written as it is, though XML has no such characters: lxml is given others in their stead.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
STAND_INS = 0xE000
STAND_IN = re.compile("&#(573(?:4[4-9]|5[0-9]|6[0-9]|7[0-5]));")
BALANCE_SHEET = ("Bank", "AccountsReceivable", "OtherCurrentAsset", "FixedAsset", "OtherAsset", "Equity")


def document(response: etree._Element) -> str:
    """Pure ASCII, everything else as numeric references; a line per element, without indentation."""
    root = etree.Element("QBXML")
    root.append(response)
    etree.indent(root, space="")
    text = etree.tostring(root, encoding="us-ascii").decode()
    return PLAIN_XML + STAND_IN.sub(lambda found: f"&#{int(found[1]) - STAND_INS};", text) + "\n"


def severity(status: int) -> str:
    return "Info" if status < 500 else "Warn" if status < 1000 else "Error"


def response(request: etree._Element, status: int, message: str, **attributes: str) -> etree._Element:
    return etree.Element(
        request.tag.removesuffix("Rq") + "Rs",
        {
            "requestID": request.get("requestID", ""),
            "statusCode": str(status),
            "statusSeverity": severity(status),
            "statusMessage": message,
            **attributes,
        },
    )


def put(parent: etree._Element, tag: str, text: object | None) -> None:
    """Nothing for None."""
    if text is not None:
        written = str(text).lower() if isinstance(text, bool) else str(text)
        etree.SubElement(parent, tag).text = CONTROL.sub(lambda found: chr(STAND_INS + ord(found[0])), written)


def refer(parent: etree._Element, tag: str, to: Element | None) -> None:
    if to is not None:
        reference = etree.SubElement(parent, tag)
        put(reference, "ListID", to.list_id)
        put(reference, "FullName", to.full_name)


def stamp(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def head(tag: str, element: Element, has_tiers: bool = True) -> etree._Element:
    ret = etree.Element(tag)
    put(ret, "ListID", element.list_id)
    put(ret, "TimeCreated", stamp(element.created))
    put(ret, "TimeModified", stamp(element.modified))
    put(ret, "EditSequence", element.edit_sequence)
    put(ret, "Name", element.name)
    put(ret, "FullName", element.full_name if has_tiers else None)
    put(ret, "IsActive", element.is_active)
    if has_tiers:
        refer(ret, "ParentRef", element.parent)
        put(ret, "Sublevel", element.sublevel)
    return ret


def account_ret(account: Account) -> etree._Element:
    ret = head("AccountRet", account)
    put(ret, "AccountType", account.type)
    put(ret, "AccountNumber", account.number)
    put(ret, "Desc", account.desc)
    if account.type != "NonPosting":
        put(ret, "Balance", "0.00")
        put(ret, "TotalBalance", "0.00")
        put(ret, "CashFlowClassification", "Operating" if account.type in BALANCE_SHEET else "None")
    return ret


def item_ret(item: Item) -> etree._Element:
    ret = head(f"Item{item.type}Ret", item, has_tiers=item.type in TYPES_WITH_TIERS)
    if item.type != "Service":
        return ret
    tax_code = etree.SubElement(ret, "SalesTaxCodeRef")
    put(tax_code, "ListID", "80000002-1199872352" if item.tax_code == "Non" else "80000001-1199872352")
    put(tax_code, "FullName", item.tax_code)
    if item.is_two_sided:
        two_sides(ret, item)
    else:
        one_side(ret, item)
    put(ret, "ExternalGUID", item.external_guid)
    return ret


def one_side(ret: etree._Element, item: Item) -> None:
    side = etree.SubElement(ret, "SalesOrPurchase")
    put(side, "Desc", item.sales_desc)
    tag = "PricePercent" if "PricePercent" in item.prices else "Price"
    put(side, tag, item.prices.get(tag, "0.00"))
    refer(side, "AccountRef", item.income)


def two_sides(ret: etree._Element, item: Item) -> None:
    sides = etree.SubElement(ret, "SalesAndPurchase")
    put(sides, "SalesDesc", item.sales_desc)
    put(sides, "SalesPrice", item.prices.get("SalesPrice", "0.00"))
    refer(sides, "IncomeAccountRef", item.income)
    put(sides, "PurchaseDesc", item.purchase_desc)
    put(sides, "PurchaseCost", item.prices.get("PurchaseCost", "0.00"))
    refer(sides, "ExpenseAccountRef", item.expense)


def host_ret(newest_version: str, versions: tuple[str, ...]) -> etree._Element:
    ret = etree.Element("HostRet")
    put(ret, "ProductName", "QuickBooks Premier Contractor Edition")
    put(ret, "MajorVersion", "34")
    put(ret, "MinorVersion", "0")
    put(ret, "Country", "US")
    for version in versions[: versions.index(newest_version) + 1]:
        put(ret, "SupportedQBXMLVersion", version)
    put(ret, "IsAutomaticLogin", False)
    put(ret, "QBFileMode", "SingleUser")
    return ret


def company_ret(name: str, stamps: dict[str, str]) -> etree._Element:
    ret = etree.Element("CompanyRet")
    put(ret, "IsSampleCompany", False)
    put(ret, "CompanyName", name)
    put(ret, "LegalCompanyName", name)
    for owner_id, file_id in stamps.items():
        extension = etree.SubElement(ret, "DataExtRet")
        put(extension, "OwnerID", owner_id)
        put(extension, "DataExtName", "FileID")
        put(extension, "DataExtType", "STR255TYPE")
        put(extension, "DataExtValue", file_id)
    return ret


def preferences_ret(uses_account_numbers: bool) -> etree._Element:
    ret = etree.Element("PreferencesRet")
    accounting = etree.SubElement(ret, "AccountingPreferences")
    put(accounting, "IsUsingAccountNumbers", uses_account_numbers)
    put(accounting, "IsRequiringAccounts", True)
    put(accounting, "IsUsingClassTracking", False)
    return ret
