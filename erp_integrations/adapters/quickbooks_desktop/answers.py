"""QuickBooks' answers in our words. They come from outside: whatever cannot be read is uncertain, never guessed.

One record that cannot be read does not take the others with it: it is left out, and named in the adapter's remarks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from lxml import etree

from erp_integrations.adapters.quickbooks_desktop import status_codes
from erp_integrations.adapters.quickbooks_desktop.payload import full_name, guid_of
from erp_integrations.adapters.quickbooks_desktop.status_codes import Then
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
from erp_integrations.xml import REPLACED, BadXML, parse_mended

UNREADABLE = "QuickBooks gave an answer that cannot be read."
INACTIVE = "It is inactive in QuickBooks: make it active or rename the code, then retry."
NO_STATUS = -1
ID_LIMIT = 36  # of a ListID, by Intuit's schema
NO_GUID = {"", "0", str(UUID(int=0))}
NAME_SHOWN = 100  # characters of a name in a sentence
T = TypeVar("T")
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
    status: int  # NO_STATUS: it has none that can be read
    words: str  # QuickBooks' own, or what is wrong with the status

    @property
    def is_readable(self) -> bool:
        return self.status != NO_STATUS

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
    description: str | None = None  # None: not told
    income_account: str | None = None
    expense_account: str | None = None
    problem: str = ""  # why the record cannot be read; of such a one the name alone is known

    @property
    def owner(self) -> str:
        """The GUID that someone gave it, we or another program; QuickBooks says 0 for none."""
        return "" if self.guid in NO_GUID else self.guid

    @property
    def obstacle(self) -> str:
        if self.problem:
            return f"QuickBooks' record of it cannot be read: {self.problem}. Open the item there, save it, then retry."
        if self.type != "ItemServiceRet":
            what = OTHER_TYPES.get(self.type, "an item of another type")
            return f"It is {what} in QuickBooks; only Service items can be linked. Rename one of the two."
        return "" if self.is_active else INACTIVE


def document(answer: str) -> etree._Element:
    try:
        return parse_mended(answer)
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
        if not response.is_readable:
            raise unreadable(response.words)
        if response.status >= 1000:
            raise _error(response)
    return found


def accounts(found: Iterable[Response], remarks: list[str]) -> list[GLAccountData]:
    rows = [row for response in found for row in response.element.findall("AccountRet")]
    return [account for _, account, _ in _read_each(rows, _account, remarks) if account]


def items(found: Iterable[Response], remarks: list[str]) -> list[Item]:
    """Each item once, as the first answer that has it tells it; of one that cannot be read its name, if it has one."""
    children = (row for response in found for row in response.element.iterchildren("{*}*"))
    rows = [row for row in children if str(row.tag).endswith("Ret")]
    held: dict[str, Item] = {}
    broken: list[Item] = []
    for row, item, problem in _read_each(rows, _item, remarks):
        if item:
            held.setdefault(item.list_id, item)
        elif name := _name(row):
            broken.append(Item("", name, _is_true(row, "IsActive"), guid="", type=str(row.tag), problem=problem))
    return [*held.values(), *broken]


def _read_each(
    rows: Sequence[etree._Element], read: Callable[[etree._Element], T], remarks: list[str]
) -> list[tuple[etree._Element, T | None, str]]:
    """Each row with what it says, or why it cannot be read. Raises if not one of them can: then it is no answer."""
    told: list[tuple[etree._Element, T | None, str]] = []
    error: UncertainError | None = None
    for row in rows:
        try:
            told.append((row, read(row), ""))
        except UncertainError as found:
            error = found
            told.append((row, None, found.detail))
            remarks.append(f"QuickBooks' record of “{_name(row)[:NAME_SHOWN]}” was left out: {found.detail}.")
        else:
            if any(REPLACED in text for text in row.itertext()):
                remarks.append(mangled(_name(row)))
    if error and not any(one for _, one, _ in told):
        raise error
    return told


def mangled(name: str) -> str:
    return (
        f"QuickBooks' record of “{name[:NAME_SHOWN]}” has characters that no answer may carry; "
        f"each is shown as {REPLACED}. Write them anew there."
    )


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
        detail=mangled(item.full_name) if REPLACED in f"{item.full_name}{item.description}" else "",
        obstacle=item.obstacle,
        owner=item.owner,
    )


def outcomes(codes: Sequence[CodeData], answer: str, has_tiers: bool) -> list[Outcome]:
    """Raises ConfigurationError when QuickBooks let none of them pass for want of a right."""
    within = message_set(answer)
    found = responses(within, "ItemServiceAddRs")
    _require_kept(_number(within.get("messageSetStatusCode") or "0"), bool(found))
    if found and not any(response.is_readable for response in found):
        raise unreadable(found[0].words)
    told = list(_matched(codes, found))
    if told and all(one.is_readable and status_codes.meaning_of(one.status).then is Then.STOP for _, one in told):
        raise _error(told[0][1])
    return _outcomes(told, has_tiers)


def _outcomes(told: Iterable[tuple[CodeData, Response]], has_tiers: bool) -> list[Outcome]:
    """One that cannot be read is uncertain alone; if that is so of all of them, it is no answer."""
    outcomes: list[Outcome] = []
    error: UncertainError | None = None
    is_answer = False
    for code, response in told:
        try:
            outcomes.append(_outcome(code, response, has_tiers))
            is_answer = True
        except UncertainError as found:
            error = found
            outcomes.append(Uncertain(code.reference, found.message, found.detail))
    if error and not is_answer:
        raise error
    return outcomes


def _require_kept(status: int, has_answers: bool) -> None:
    """An answer for each code counts, whatever became of QuickBooks' own copy; unless it answers another message."""
    kind, sentence = status_codes.MESSAGE_SETS.get(status, (None, ""))
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
    if not response.is_readable:
        raise unreadable(response.words)
    meaning, reference = status_codes.meaning_of(response.status, response.words), code.reference
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
            return Refused(reference, status_codes.OTHERWISE.sentence, response.detail)
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
    meaning = status_codes.meaning_of(response.status, response.words)
    if meaning.then is Then.STOP:
        return ConfigurationError(meaning.sentence, response.detail)
    if meaning.is_retried:
        return TransientError(meaning.sentence, response.detail)
    return UncertainError("QuickBooks did not answer the question.", response.detail)


def _response(element: etree._Element) -> Response:
    try:
        return Response(element, _number(element.get("statusCode") or ""), element.get("statusMessage") or "")
    except UncertainError as error:
        return Response(element, NO_STATUS, error.detail)


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


def _name(row: etree._Element) -> str:
    return _text(row, "FullName") or _text(row, "Name")


def _required_name(row: etree._Element) -> str:
    """Some types of items have no FullName."""
    if not (name := _name(row)):
        raise unreadable(f"{row.tag} without a name")
    return name


def _account(row: etree._Element) -> GLAccountData:
    return GLAccountData(
        remote_id=_list_id(row),
        number=_text(row, "AccountNumber") or None,
        name=_required_name(row),
        kind=KINDS.get(_text(row, "AccountType"), AccountKind.OTHER),
        is_active=_is_true(row, "IsActive"),
    )


def _item(row: etree._Element) -> Item:
    item = Item(
        list_id=_list_id(row),
        full_name=_required_name(row),
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
    """The description of an item that has one for sales and one for purchases: both in two lines, if they differ.

    So it equals none of ours, which have one line, and the code needs review.
    """
    return sales if sales == purchase else f"{sales}\n{purchase}"


def _is_true(row: etree._Element, tag: str) -> bool:
    """QuickBooks leaves out what it does not tell; an item or account is active unless it says otherwise."""
    return _text(row, tag).strip().lower() not in {"false", "0"}
