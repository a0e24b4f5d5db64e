"""QuickBooks' answers in our words. They come from outside: whatever cannot be read is uncertain, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from lxml import etree

from erp_integrations.adapters.quickbooks_desktop import catalogue
from erp_integrations.adapters.quickbooks_desktop.catalogue import Then
from erp_integrations.adapters.quickbooks_desktop.payload import full_name, guid_of
from erp_integrations.base import (
    AccountKind,
    CodeData,
    Exported,
    GLAccountData,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Uncertain,
)
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.xml import BadXML, parse

UNREADABLE = "QuickBooks gave an answer that cannot be read."
ID_LIMIT = 36  # of a ListID, by Intuit's schema
NO_GUID = {"", "0", str(UUID(int=0))}
KINDS = {
    "Income": AccountKind.INCOME,
    "OtherIncome": AccountKind.OTHER_INCOME,
    "CostOfGoodsSold": AccountKind.COST_OF_GOODS_SOLD,
    "Expense": AccountKind.EXPENSE,
    "OtherExpense": AccountKind.OTHER_EXPENSE,
}
OTHER_TYPES = {
    "ItemNonInventoryRet": "a non-inventory part",
    "ItemOtherChargeRet": "an other charge",
    "ItemInventoryRet": "an inventory part",
    "ItemInventoryAssemblyRet": "an inventory assembly",
    "ItemFixedAssetRet": "a fixed asset",
    "ItemSubtotalRet": "a subtotal",
    "ItemDiscountRet": "a discount",
    "ItemPaymentRet": "a payment",
    "ItemSalesTaxRet": "a sales tax item",
    "ItemSalesTaxGroupRet": "a sales tax group",
    "ItemGroupRet": "a group",
}


@dataclass(frozen=True)
class Response:
    """What QuickBooks answered to one request."""

    element: etree._Element
    status: int
    words: str  # QuickBooks' own

    @property
    def detail(self) -> str:
        return f"QuickBooks {self.status}: {self.words}"


@dataclass(frozen=True)
class Item:
    """An item of any type; description and accounts of services alone."""

    list_id: str
    full_name: str
    is_active: bool
    guid: str
    type: str  # "ItemServiceRet"
    description: str = ""
    income_account: str | None = None
    expense_account: str | None = None

    @property
    def owner(self) -> str:
        """The GUID that someone gave it, we or another program; QuickBooks says 0 for none."""
        return "" if self.guid in NO_GUID else self.guid

    @property
    def obstacle(self) -> str:
        if self.type == "ItemServiceRet":
            return ""
        what = OTHER_TYPES.get(self.type, "an item of another type")
        return f"It is {what} in QuickBooks; only Service items can be linked. Rename one of the two."


def document(answer: str) -> etree._Element:
    try:
        return parse(answer)
    except BadXML as error:
        raise unreadable(str(error)) from None


def unreadable(detail: str) -> UncertainError:
    return UncertainError(UNREADABLE, detail)


def plain_guid(text: str) -> str:
    """A GUID without its braces, in lower case; what is none stays as it is."""
    bare = text.strip().strip("{}").lower()
    try:
        return str(UUID(bare))
    except ValueError:
        return bare


def message_set(answer: str) -> etree._Element:
    root = document(answer)
    found = root.find("QBXMLMsgsRs")
    if root.tag != "QBXML" or found is None:
        raise unreadable(f"the root is {root.tag}")
    return found


def responses(within: etree._Element, tag: str) -> list[Response]:
    return [_response(element) for element in within.findall(tag)]


def require_answers(answer: str, tag: str, count: int = 1) -> list[Response]:
    """The answers to a question; raises unless QuickBooks answered all of it."""
    found = responses(message_set(answer), tag)
    if len(found) < count:
        raise unreadable(f"{len(found)} {tag} instead of {count}")
    for response in found:
        if response.status >= 1000:
            raise _error(response)
    return found


def accounts(found: Iterable[Response]) -> list[GLAccountData]:
    return [_account(row) for response in found for row in response.element.findall("AccountRet")]


def items(found: Iterable[Response]) -> list[Item]:
    """Each item once, as the first answer that has it tells it."""
    held: dict[str, Item] = {}
    for response in found:
        for row in response.element.iterchildren("{*}*"):
            if str(row.tag).endswith("Ret"):
                item = _item(row)
                held.setdefault(item.list_id, item)
    return list(held.values())


def receipts(codes: Iterable[CodeData], held: Iterable[Item], has_tiers: bool) -> dict[str, Receipt]:
    """By reference. Ours before theirs. QuickBooks does not tell names apart by case alone."""
    by_guid: dict[str, Item] = {}
    by_name: dict[str, Item] = {}
    for item in sorted(held, key=lambda item: not item.is_active):
        by_guid.setdefault(item.guid, item)
        by_name.setdefault(item.full_name.lower(), item)
    found = {}
    for code in codes:
        name = full_name(code.names(has_tiers)).lower()
        if held_so := by_guid.get(str(guid_of(code))) or by_name.get(name):
            found[code.reference] = receipt(held_so, code, has_tiers)
    return found


def receipt(item: Item, code: CodeData, has_tiers: bool) -> Receipt:
    is_named_so = item.full_name == full_name(code.names(has_tiers))
    return Receipt(
        remote_id=item.list_id,
        code=code.code if is_named_so else item.full_name,
        description=item.description,
        income_account=item.income_account,
        expense_account=item.expense_account,
        is_ours=item.guid == str(guid_of(code)),
        is_active=item.is_active,
        obstacle=item.obstacle,
        owner=item.owner,
    )


def outcomes(codes: Sequence[CodeData], answer: str, has_tiers: bool) -> list[Outcome]:
    """Raises ConfigurationError when QuickBooks let none of them pass for want of a right."""
    within = message_set(answer)
    found = responses(within, "ItemServiceAddRs")
    _require_kept(_number(within.get("messageSetStatusCode") or "0"), bool(found))
    told = list(_matched(codes, found))
    if told and all(catalogue.meaning_of(one.status).then is Then.STOP for _, one in told):
        raise _error(told[0][1])
    return [_outcome(code, response, has_tiers) for code, response in told]


def _require_kept(status: int, has_answers: bool) -> None:
    """An answer for each code counts, whatever became of QuickBooks' own copy; unless it answers another message."""
    kind, sentence = catalogue.MESSAGE_SETS.get(status, (None, ""))
    if kind and (kind is UncertainError or not has_answers):
        raise kind(sentence, f"messageSetStatusCode {status}")


def _matched(codes: Sequence[CodeData], found: Sequence[Response]) -> Iterator[tuple[CodeData, Response]]:
    """By the number of the request; in the order of the message if QuickBooks repeats no numbers at all."""
    if any(response.element.get("requestID") for response in found):
        by_number = {guid_of(code).hex: code for code in codes}
        for response in found:
            if code := by_number.get(response.element.get("requestID") or ""):
                yield code, response
    elif len(found) == len(codes):
        yield from zip(codes, found, strict=True)


def _outcome(code: CodeData, response: Response, has_tiers: bool) -> Outcome:
    meaning, reference = catalogue.meaning_of(response.status, response.words), code.reference
    names = code.names(has_tiers)
    match meaning.then:
        case Then.DONE:
            return _done(code, response, has_tiers)
        case Then.LOOK_UP:
            return Uncertain(reference, meaning.sentence, response.detail)
        case Then.RETRY:
            return NotSent(reference, meaning.sentence, response.detail)
        case Then.NO_PARENT if len(names) > 1:
            return Refused(reference, meaning.sentence.format(parent=full_name(names[:-1])), response.detail)
        case Then.NO_PARENT:
            return Refused(reference, catalogue.OTHERWISE.sentence, response.detail)
        case _:
            is_stale = meaning.then is Then.NEW_ACCOUNT
            return Refused(reference, meaning.sentence, response.detail, is_chart_stale=is_stale)


def _done(code: CodeData, response: Response, has_tiers: bool) -> Outcome:
    row = response.element.find("ItemServiceRet")
    if row is None or not _text(row, "ListID"):
        return Uncertain(code.reference, "QuickBooks says it took this code, but does not show it.", response.detail)
    return Exported(code.reference, receipt(_item(row), code, has_tiers))


def _error(response: Response) -> ERPError:
    """What a question that was not answered means; asking changes nothing in QuickBooks."""
    meaning = catalogue.meaning_of(response.status, response.words)
    if meaning.then is Then.STOP:
        return ConfigurationError(meaning.sentence, response.detail)
    if meaning.is_retried:
        return TransientError(meaning.sentence, response.detail)
    return UncertainError("QuickBooks did not answer the question.", response.detail)


def _response(element: etree._Element) -> Response:
    return Response(element, _number(element.get("statusCode") or ""), element.get("statusMessage") or "")


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise unreadable(f"{text!r} is no status")
    return int(text)


def _text(within: etree._Element, path: str) -> str:
    return within.findtext(path) or ""


def _list_id(row: etree._Element) -> str:
    found = _text(row, "ListID")
    if not 0 < len(found) <= ID_LIMIT:
        raise unreadable(f"{row.tag} with a ListID of {len(found)} characters")
    return found


def _account(row: etree._Element) -> GLAccountData:
    return GLAccountData(
        remote_id=_list_id(row),
        number=_text(row, "AccountNumber") or None,
        name=_text(row, "FullName"),
        kind=KINDS.get(_text(row, "AccountType"), AccountKind.OTHER),
        is_active=_is_true(row, "IsActive"),
    )


def _item(row: etree._Element) -> Item:
    item = Item(
        list_id=_list_id(row),
        full_name=_text(row, "FullName") or _text(row, "Name"),
        is_active=_is_true(row, "IsActive"),
        guid=plain_guid(_text(row, "ExternalGUID")),
        type=str(row.tag),
    )
    return replace(item, **_sides(row)) if item.type == "ItemServiceRet" else item


def _sides(row: etree._Element) -> dict[str, Any]:
    if (one := row.find("SalesOrPurchase")) is not None:
        return {"description": _text(one, "Desc"), "income_account": _text(one, "AccountRef/ListID") or None}
    if (both := row.find("SalesAndPurchase")) is not None:
        return {
            "description": _one_description(_text(both, "SalesDesc"), _text(both, "PurchaseDesc")),
            "income_account": _text(both, "IncomeAccountRef/ListID") or None,
            "expense_account": _text(both, "ExpenseAccountRef/ListID") or None,
        }
    return {}


def _one_description(sales: str, purchase: str) -> str:
    """Two that differ equal none of ours, since those have no line breaks."""
    return sales if sales == purchase else f"{sales}\n{purchase}"


def _is_true(row: etree._Element, tag: str) -> bool:
    """QuickBooks leaves out what it does not tell; an item or account is active unless it says otherwise."""
    return _text(row, tag).strip().lower() not in {"false", "0"}
