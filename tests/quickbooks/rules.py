"""What a schema cannot say. Each rule raises `Refused`, which becomes the status of that one request."""

from __future__ import annotations

from lxml import etree

from tests.quickbooks.lists import Account, Element, Item, by_name, words

LONGEST_REQUEST_ID = 50
LEVELS = 5
EXPENSE_KINDS = ("CostOfGoodsSold", "Expense", "OtherExpense")
INCOME_KINDS = ("Income", "OtherIncome", *EXPENSE_KINDS)  # QuickBooks is permissive here
FEATURES_OFF = ("BarCode", "ClassRef", "UnitOfMeasureSetRef", "ForceUOMChange", "IsTaxIncluded", "PurchaseTaxCodeRef")
NO_RECORD = "QuickBooks error message: Invalid argument.  The specified record does not exist in the list."


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


def request_id_is_short(request_id: str) -> None:
    if len(request_id) > LONGEST_REQUEST_ID:
        raise Refused(1060, f'The request ID "{request_id}" is invalid, possibly too long, max 50 chars.')


def feature_is_on(request: etree._Element) -> None:
    for tag in FEATURES_OFF:
        if request.find(f".//{tag}") is not None:
            raise Refused(3250, f'The "{tag}" field is for a feature that is not enabled in this QuickBooks.')


def reference_is_known(request: etree._Element) -> None:
    """Neither vendors nor other tax codes than the two that every company file has."""
    vendor, tax_code = request.find(".//PrefVendorRef"), request.find(".//SalesTaxCodeRef")
    if vendor is not None:
        raise Refused(3140, f'There is an invalid reference to QuickBooks Vendor "{words(vendor)}". {NO_RECORD}')
    if tax_code is not None and words(tax_code) not in ("Tax", "Non"):
        raise Refused(3140, f'There is an invalid reference to QuickBooks Tax Code "{words(tax_code)}". {NO_RECORD}')


def list_is_unlocked(is_locked: bool) -> None:
    if is_locked:
        raise Refused(
            3175,
            "There was an error when saving the item list. QuickBooks error message: The list element is in use. "
            "Its internals could not be locked. They are in use by another user.",
        )


def name_is_given(name: str) -> None:
    if not name:
        raise Refused(3150, "There is a missing element: the name of the list element.")


def name_is_clean(name: str) -> None:
    if any(each in ":\t\r\n" or not each.isprintable() for each in name):
        raise Refused(3090, f'The name "{name}" has characters that a name must not have.')


def name_is_free(items: list[Item], full_name: str) -> None:
    """Over all types of items, active or not."""
    if by_name(items, full_name):
        raise Refused(3100, f'The name "{full_name}" of the list element is already in use.')


def name_does_not_merge(items: list[Item], item: Item, full_name: str) -> None:
    found = by_name([each for each in items if each is not item], full_name)
    if found:
        raise Refused(
            3170,
            f'There was an error when modifying a Item Service list named "{item.full_name}".  QuickBooks error '
            "message: Cannot merge list elements.",
        )


def item_exists(item: Item | None, list_id: str) -> None:
    if item is None:
        raise Refused(3120, f'Object "{list_id}" specified in the request cannot be found. {NO_RECORD}')


def edit_sequence_is_current(item: Item, edit_sequence: str) -> None:
    if item.edit_sequence != edit_sequence:
        raise Refused(3200, f'The provided edit sequence "{edit_sequence}" is out-of-date.')


def sides_stay(item: Item, is_two_sided: bool) -> None:
    """Whether a change may do this is an open question; this company file says no unless told otherwise."""
    if item.is_two_sided != is_two_sided:
        raise Refused(3170, "There was an error when modifying the item: it cannot change between one side and two.")


def parent_exists(parent: Element | None, reference: etree._Element) -> None:
    if parent is None:
        raise Refused(3130, f'There is an invalid reference to the parent "{words(reference)}". {NO_RECORD}')


def parent_is_service(parent: Item | None) -> None:
    if parent is not None and parent.type != "Service":
        raise Refused(3130, f'The parent "{parent.full_name}" is an item of another type.')


def parent_is_not_below(parent: Element | None, item: Item) -> None:
    above = parent
    while above is not None:
        if above is item:
            raise Refused(3130, f'The item "{item.full_name}" cannot be its own parent.')
        above = above.parent


def tiers_are_few(parent: Element | None) -> None:
    if parent is not None and parent.sublevel >= LEVELS - 1:
        raise Refused(3130, f'Below the parent "{parent.full_name}" there can be no further level.')


def account_is_given(reference: etree._Element | None, slot: str) -> None:
    """Optional in the schema, and still nothing is saved without it."""
    if reference is None:
        raise Refused(3140, f"There is an invalid reference to QuickBooks Account in the item: {slot} is missing.")


def account_exists(account: Account | None, reference: etree._Element) -> None:
    if account is None:
        raise Refused(3140, f'There is an invalid reference to QuickBooks Account "{words(reference)}". {NO_RECORD}')


def account_is_active(account: Account | None) -> None:
    if account is not None and not account.is_active:
        raise Refused(
            3140, f'There is an invalid reference to QuickBooks Account "{account.full_name}". It is inactive.'
        )


def account_kind_fits(account: Account | None, slot: str) -> None:
    kinds, words_of_slot = (EXPENSE_KINDS, "expense") if slot == "ExpenseAccountRef" else (INCOME_KINDS, "income")
    if account is not None and account.type not in kinds:
        raise Refused(
            3140,
            f'There is an invalid reference to QuickBooks Account "{account.full_name}" in the item. QuickBooks error '
            f"message: The {words_of_slot} account is invalid.",
        )
