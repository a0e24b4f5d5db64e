"""A QuickBooks company file in memory that runs qbXML. It knows nothing of the product, so that it may judge it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree

from tests.quickbooks import answers, queries, recovery, rules, schema
from tests.quickbooks.books import ZONE, CompanyFile
from tests.quickbooks.lists import (
    Account,
    Item,
    by_id,
    referred,
    stored,
    stored_name,
)
from tests.quickbooks.schema import QBError as QBError

# aggregate: description, account, in the order income and expense
SIDES = {
    "SalesOrPurchase": (("sales_desc", "Desc"), ("income", "AccountRef")),
    "SalesAndPurchase": (
        ("sales_desc", "SalesDesc"),
        ("income", "IncomeAccountRef"),
        ("purchase_desc", "PurchaseDesc"),
        ("expense", "ExpenseAccountRef"),
    ),
}
PRICES = ("Price", "PricePercent", "SalesPrice", "PurchaseCost")


@dataclass(frozen=True)
class Executed:
    """A request that was carried out or refused, but was tried; a repeated message set leaves none."""

    kind: str  # ItemServiceAddRq
    request_id: str
    status: int
    list_id: str | None  # of the item that was written
    message_set_id: str | None
    xml: str


class QuickBooks(CompanyFile):
    """One company file, open in one QuickBooks.

    `run` is the request processor, `journal` what it did.
    """

    def __init__(
        self,
        company_name: str = "Hillside Builders & Sons",
        *,
        owner_id: str | None = None,
        file_id: str | None = None,
        newest_version: str = "16.0",
        with_chart: bool = True,
    ) -> None:
        super().__init__(company_name, owner_id, file_id, with_chart)
        self.newest_version = newest_version
        self.mod_may_switch_sides = False  # an open question about QuickBooks; see rules.sides_stay
        self.names_find_inactive = True  # likewise: whether a query by FullName returns inactive elements
        self.journal: list[Executed] = []
        self.message_sets = recovery.MessageSets()
        self._written: str | None = None
        self._iterators = queries.Iterators()

    def run(self, qbxml: str) -> str:
        """Raises QBError for a document that cannot be read; then nothing of it was executed."""
        message = schema.read(qbxml, self.newest_version)
        return answers.document(self.message_sets.answer(message, self._execute))

    def begin_session(self) -> None:
        self._iterators = queries.Iterators()

    def host_response(self) -> str:
        """What the Web Connector asks at the start of a session, to hand it on with the first sendRequestXML."""
        asked = etree.Element("QBXMLMsgsRq")
        for kind in ("HostQueryRq", "CompanyQueryRq", "PreferencesQueryRq"):
            etree.SubElement(asked, kind, requestID="0")
        for owner_id in self.stamps:
            etree.SubElement(asked[1], "OwnerID").text = owner_id
        response = etree.Element("QBXMLMsgsRs")
        response.extend(self._handle(each) for each in asked)
        return answers.document(response)

    def _execute(self, message: etree._Element) -> etree._Element:
        response = etree.Element("QBXMLMsgsRs")
        is_stopped = False
        for request in message.iterchildren(etree.Element):
            result = self._not_processed(request) if is_stopped else self._try(request, message.get("newMessageSetID"))
            if message.get("responseData") == "includeNone":
                del result[:]
            response.append(result)
            failed = result.get("statusSeverity") == "Error"
            is_stopped = is_stopped or (failed and message.get("onError") != "continueOnError")
        return response

    def _not_processed(self, request: etree._Element) -> etree._Element:
        return answers.response(request, 3231, "The request has not been processed.")

    def _try(self, request: etree._Element, message_set_id: str | None) -> etree._Element:
        try:
            rules.request_id_is_short(request.get("requestID", ""))
            result = self._handle(request)
        except rules.Refused as refused:
            result = answers.response(request, refused.status, refused.message)
        writes = request.tag in ("ItemServiceAddRq", "ItemServiceModRq")
        self.journal.append(
            Executed(
                kind=request.tag,
                request_id=request.get("requestID", ""),
                status=int(result.get("statusCode", "")),
                list_id=self._written if writes and result.get("statusCode") == "0" else None,
                message_set_id=message_set_id,
                xml=etree.tostring(request, encoding="unicode"),
            )
        )
        return result

    def _handle(self, request: etree._Element) -> etree._Element:
        handlers: dict[str, Callable[[etree._Element], etree._Element]] = {
            "HostQueryRq": self._host,
            "CompanyQueryRq": self._company,
            "PreferencesQueryRq": self._preferences,
            "AccountQueryRq": self._query_accounts,
            "ItemQueryRq": self._query_items,
            "ItemServiceQueryRq": self._query_items,
            "ItemServiceAddRq": self._add,
            "ItemServiceModRq": self._modify,
        }
        return handlers[request.tag](request)

    # Asking

    def _host(self, request: etree._Element) -> etree._Element:
        return self._single(request, answers.host_ret(self.newest_version, schema.VERSIONS))

    def _company(self, request: etree._Element) -> etree._Element:
        """Private data comes only to those who know the owner's id."""
        owners = {each.text for each in request.findall("OwnerID")}
        stamps = {owner: file for owner, file in self.stamps.items() if owner in owners}
        return self._single(request, answers.company_ret(self.company_name, stamps))

    def _preferences(self, request: etree._Element) -> etree._Element:
        return self._single(request, answers.preferences_ret(self.uses_account_numbers))

    def _single(self, request: etree._Element, ret: etree._Element) -> etree._Element:
        result = answers.response(request, 0, "Status OK")
        result.append(queries.only_asked(request, ret))
        return result

    def _query_accounts(self, request: etree._Element) -> etree._Element:
        return queries.answer(
            request, self._visible(request, self.accounts), answers.account_ret, self._iterators, ZONE
        )

    def _query_items(self, request: etree._Element) -> etree._Element:
        items = [each for each in self.items if request.tag == "ItemQueryRq" or each.type == "Service"]
        return queries.answer(request, self._visible(request, items), answers.item_ret, self._iterators, ZONE)

    def _visible(self, request: etree._Element, elements: list[Any]) -> list[Any]:
        if request.find("FullName") is None or self.names_find_inactive:
            return elements
        return [each for each in elements if each.is_active]

    # Writing

    def _add(self, request: etree._Element) -> etree._Element:
        add = request.find("ItemServiceAdd")
        self._check_write(add)
        name, parent = stored_name(add.findtext("Name") or ""), self._parent(add)
        rules.name_is_given(name)
        rules.name_is_clean(name)
        rules.name_is_free(self.items, f"{parent.full_name}:{name}" if parent else name)
        fields = self._sides(add, None)
        item = self._make_item(
            "Service",
            name,
            parent=parent,
            is_active=truth(add.findtext("IsActive"), True),
            tax_code=add.findtext("SalesTaxCodeRef/FullName") or "Non",
            external_guid=add.findtext("ExternalGUID"),
            **fields,
        )
        return self._wrote(request, item)

    def _modify(self, request: etree._Element) -> etree._Element:
        mod = request.find("ItemServiceMod")
        self._check_write(mod)
        list_id = mod.findtext("ListID") or ""
        item = by_id([each for each in self.items if each.type == "Service"], list_id)
        rules.item_exists(item, list_id)
        assert item is not None
        rules.edit_sequence_is_current(item, mod.findtext("EditSequence") or "")
        name = stored_name(mod.findtext("Name") if mod.find("Name") is not None else item.name)
        parent = self._parent(mod) if mod.find("ParentRef") is not None else item.parent
        rules.name_is_given(name)
        rules.name_is_clean(name)
        rules.parent_is_not_below(parent, item)
        rules.name_does_not_merge(self.items, item, f"{parent.full_name}:{name}" if parent else name)
        fields = self._sides(mod, item)
        is_active = truth(mod.findtext("IsActive"), item.is_active)
        self.change_item(item, name=name, parent=parent, is_active=is_active, **fields)
        return self._wrote(request, item)

    def _check_write(self, write: etree._Element) -> None:
        is_locked, self._locked_for = self._locked_for > 0, max(0, self._locked_for - 1)
        rules.list_is_unlocked(is_locked)
        rules.feature_is_on(write)
        rules.reference_is_known(write)

    def _wrote(self, request: etree._Element, item: Item) -> etree._Element:
        self._written = item.list_id
        return self._single(request, answers.item_ret(item))

    def _parent(self, write: etree._Element) -> Item | None:
        reference = write.find("ParentRef")
        if reference is None:
            return None
        parent = referred(self.items, reference)
        rules.parent_exists(parent, reference)
        rules.parent_is_service(parent)
        rules.tiers_are_few(parent)
        return parent

    def _sides(self, write: etree._Element, item: Item | None) -> dict[str, Any]:
        """The fields of the item that the aggregate of one side or two sides sets; of a change, only those it names."""
        sides = next((each for each in write if each.tag.removesuffix("Mod") in SIDES), None)
        if sides is None:
            return {}
        kind = sides.tag.removesuffix("Mod")
        fields: dict[str, Any] = {"is_two_sided": kind == "SalesAndPurchase"}
        if item is not None and not self.mod_may_switch_sides:
            rules.sides_stay(item, fields["is_two_sided"])
        is_whole = item is None or item.is_two_sided != fields["is_two_sided"]
        for attribute, tag in SIDES[kind]:
            found = sides.find(tag)
            if tag.endswith("Ref") and (is_whole or found is not None):
                fields[attribute] = self._account(found, tag)
            elif not tag.endswith("Ref") and found is not None:
                fields[attribute] = stored(found.text)
        prices = {each.tag: f"{Decimal(each.text):.2f}" for each in sides if each.tag in PRICES}
        return {**fields, "prices": {**(item.prices if item else {}), **prices}}

    def _account(self, reference: etree._Element | None, slot: str) -> Account | None:
        rules.account_is_given(reference, slot)
        if reference is None:
            return None
        account = referred(self.accounts, reference)
        rules.account_exists(account, reference)
        rules.account_is_active(account)
        rules.account_kind_fits(account, slot)
        return account


def truth(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip() in ("true", "1")
