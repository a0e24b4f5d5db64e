"""Documents and requests that QuickBooks refuses, each with the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.quickbooks.company import QuickBooks
from tests.quickbooks.lists import Item
from tests.quickbooks.schema import XSD

PROLOG = '<?xml version="1.0" encoding="utf-8"?><?qbxml version="13.0"?>'
INCOME = "<FullName>Construction Income</FullName>"
COSTS = "<FullName>Job Costs</FullName>"
ONE_SIDE = f"<SalesOrPurchase><Desc>Concrete</Desc><AccountRef>{INCOME}</AccountRef></SalesOrPurchase>"
TWO_SIDES = (
    f"<SalesAndPurchase><SalesDesc>Concrete</SalesDesc><IncomeAccountRef>{INCOME}</IncomeAccountRef>"
    f"<PurchaseDesc>Concrete</PurchaseDesc><ExpenseAccountRef>{COSTS}</ExpenseAccountRef></SalesAndPurchase>"
)


def document(*requests: str, on_error: str = "continueOnError", prolog: str = PROLOG, **attributes: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'{prolog}<QBXML><QBXMLMsgsRq onError="{on_error}"{extra}>{"".join(requests)}</QBXMLMsgsRq></QBXML>'


def add(
    name: str = "03-100", sides: str = ONE_SIDE, *, before: str = "", after: str = "", request_id: str = "1"
) -> str:
    """`before` and `after` the sides."""
    return (
        f'<ItemServiceAddRq requestID="{request_id}"><ItemServiceAdd><Name>{name}</Name>{before}{sides}{after}'
        "</ItemServiceAdd></ItemServiceAddRq>"
    )


def modify(item: Item, change: str, *, edit_sequence: str | None = None, request_id: str = "1") -> str:
    return (
        f'<ItemServiceModRq requestID="{request_id}"><ItemServiceMod><ListID>{item.list_id}</ListID>'
        f"<EditSequence>{edit_sequence or item.edit_sequence}</EditSequence>{change}"
        "</ItemServiceMod></ItemServiceModRq>"
    )


def below(parent: str) -> str:
    return f"<ParentRef><FullName>{parent}</FullName></ParentRef>"


def one_side(account: str) -> str:
    return f"<SalesOrPurchase><AccountRef><FullName>{account}</FullName></AccountRef></SalesOrPurchase>"


def two_sides(income: str, expense: str) -> str:
    return (
        f"<SalesAndPurchase><IncomeAccountRef><FullName>{income}</FullName></IncomeAccountRef>"
        f"<ExpenseAccountRef><FullName>{expense}</FullName></ExpenseAccountRef></SalesAndPurchase>"
    )


def query(kind: str, content: str = "", attributes: str = "") -> str:
    return f"<{kind}QueryRq {attributes}>{content}</{kind}QueryRq>"


def hillside() -> QuickBooks:
    """What the cases below expect: a service item and one below it, an inactive one, and one of another type."""
    quickbooks = QuickBooks()
    quickbooks.add_item("Service", "03")
    quickbooks.add_item("Service", "10", parent="03")
    quickbooks.add_item("Service", "Old", is_active=False)
    quickbooks.add_item("Service", "Two", expense_account="Job Costs")
    quickbooks.add_item("Inventory", "Nails")
    return quickbooks


# A whole document refused. `relaxed` is what would have to be given up for it to pass: a function of schema.py that
# does nothing any more, or a piece of the schema replaced by another.
@dataclass(frozen=True)
class Unreadable:
    document: str
    relaxed: str | tuple[str, str]
    hresult: str = "0x80040400"


def any_order(type_name: str) -> tuple[str, str]:
    """That type with a choice, repeated, where it has a sequence."""
    start = XSD.index(f'<xs:complexType name="{type_name}">')
    ordered = XSD[start : XSD.index("</xs:complexType>", start)]
    choice = '<xs:choice minOccurs="0" maxOccurs="unbounded">'
    return ordered, ordered.replace("<xs:sequence>", choice).replace("</xs:sequence>", "</xs:choice>")


SOME = '<xs:choice minOccurs="0"'
CHOICE = '<xs:choice>\n        <xs:element name="SalesOrPurchase"'
UNREADABLE = {
    "no XML": Unreadable("QBXML", "parse"),
    "a letter outside ASCII": Unreadable(document(add("Béton")), "check_bytes"),
    "no declaration": Unreadable(document(add(), prolog='<?qbxml version="13.0"?>'), "check_start"),
    "a document type": Unreadable(document(add(), prolog=f"{PROLOG}<!DOCTYPE QBXML>"), "check_start"),
    "no instruction": Unreadable(document(add(), prolog='<?xml version="1.0"?>'), "check_version"),
    "an instruction without version": Unreadable(
        document(add(), prolog='<?xml version="1.0"?><?qbxml 13?>'), "check_version"
    ),
    "an unknown version": Unreadable(
        document(add(), prolog='<?xml version="1.0"?><?qbxml version="99.0"?>'), "check_version", "0x80040423"
    ),
    "another root": Unreadable(document(add()).replace("QBXML>", "QBPOSXML>"), "check_schema"),
    "a namespace": Unreadable(document(add()).replace("<QBXML>", '<QBXML xmlns="urn:qbxml">'), "check_schema"),
    "an unknown request": Unreadable(document("<ItemToolAddRq/>"), "check_schema"),
    "no onError": Unreadable(
        document(add()).replace(' onError="continueOnError"', ""), ('type="OnError" use="required"', 'type="OnError"')
    ),
    "an unknown onError": Unreadable(document(add(), on_error="goOn"), ('type="OnError"', 'type="xs:string"')),
    "an unknown responseData": Unreadable(
        document(add(), responseData="some"), ('type="ResponseData"', 'type="xs:string"')
    ),
    "no name": Unreadable(
        document(add().replace("<Name>03-100</Name>", "")),
        ('<xs:element name="Name" type="ItemName"/>', '<xs:element name="Name" type="ItemName" minOccurs="0"/>'),
    ),
    "a name of 32": Unreadable(document(add("x" * 32)), ('<xs:maxLength value="31"/>', '<xs:maxLength value="32"/>')),
    "a description of 4096": Unreadable(
        document(add(sides=ONE_SIDE.replace("Concrete", "x" * 4096))),
        ('maxLength value="4095"', 'maxLength value="4096"'),
    ),
    "a sales description of 4096": Unreadable(
        document(add(sides=TWO_SIDES.replace("<SalesDesc>Concrete", "<SalesDesc>" + "x" * 4096))),
        ('maxLength value="4095"', 'maxLength value="4096"'),
    ),
    "a purchase description of 4096": Unreadable(
        document(add(sides=TWO_SIDES.replace("<PurchaseDesc>Concrete", "<PurchaseDesc>" + "x" * 4096))),
        ('maxLength value="4095"', 'maxLength value="4096"'),
    ),
    "a full name of 160": Unreadable(
        document(add(sides=one_side("x" * 160))), ('maxLength value="159"', 'maxLength value="160"')
    ),
    "a ListID of 37": Unreadable(
        document(query("Account", f"<ListID>{'8' * 37}</ListID>")), ('maxLength value="36"', 'maxLength value="37"')
    ),
    "an EditSequence of 17": Unreadable(
        document(modify(QuickBooks().add_item("Service", "03"), "", edit_sequence="1" * 17)),
        ('maxLength value="16"', 'maxLength value="17"'),
    ),
    "a tax code of 4": Unreadable(
        document(add(before="<SalesTaxCodeRef><FullName>None</FullName></SalesTaxCodeRef>")),
        ('maxLength value="3"', 'maxLength value="4"'),
    ),
    "a GUID without braces": Unreadable(
        document(add(after="<ExternalGUID>57f3b9b6-86f1-4fcc-b1ff-966de1813d20</ExternalGUID>")),
        ('name="ExternalGUID" type="GUID"', 'name="ExternalGUID" type="xs:string"'),
    ),
    "neither one side nor two": Unreadable(
        document(add(sides="")), (CHOICE, CHOICE.replace(">", ' minOccurs="0">', 1))
    ),
    "one side and two": Unreadable(
        document(add(sides=ONE_SIDE + TWO_SIDES)),
        (CHOICE, CHOICE.replace(">", ' maxOccurs="2">', 1)),
    ),
    "price and percent": Unreadable(
        document(add(sides=ONE_SIDE.replace("<Acc", "<Price>1</Price><PricePercent>1</PricePercent><Acc"))),
        (f'{SOME}>\n        <xs:element name="Price"', f'{SOME} maxOccurs="2">\n        <xs:element name="Price"'),
    ),
    "a reference to nothing": Unreadable(
        document(add(sides="<SalesOrPurchase><AccountRef/></SalesOrPurchase>")),
        (
            '<xs:element name="FullName" type="FullName"/>',
            '<xs:element name="FullName" type="FullName" minOccurs="0"/>',
        ),
    ),
    "FullName before ListID": Unreadable(
        document(add(sides=f"<SalesOrPurchase><AccountRef>{INCOME}<ListID>8</ListID></AccountRef></SalesOrPurchase>")),
        "check_schema",
    ),
    "the expense account before the income account": Unreadable(
        document(
            add(
                sides=f"<SalesAndPurchase><ExpenseAccountRef>{COSTS}</ExpenseAccountRef>"
                f"<IncomeAccountRef>{INCOME}</IncomeAccountRef></SalesAndPurchase>"
            )
        ),
        any_order("SalesAndPurchase"),
    ),
    "the account before the description": Unreadable(
        document(
            add(sides=f"<SalesOrPurchase><AccountRef>{INCOME}</AccountRef><Desc>Concrete</Desc></SalesOrPurchase>")
        ),
        any_order("SalesOrPurchase"),
    ),
    "the parent after the side": Unreadable(document(add(after=below("03"))), any_order("ItemServiceAdd")),
    "the parent before activity": Unreadable(
        document(add(before=f"{below('03')}<IsActive>true</IsActive>")), any_order("ItemServiceAdd")
    ),
    "the GUID before the side": Unreadable(
        document(add(before="<ExternalGUID>0</ExternalGUID>")), any_order("ItemServiceAdd")
    ),
    "two parents": Unreadable(document(add(before=below("03") * 2)), any_order("ItemServiceAdd")),
    "an element that is not known": Unreadable(document(add(before="<Code>1</Code>")), "check_schema"),
    "a change without EditSequence": Unreadable(
        document("<ItemServiceModRq><ItemServiceMod><ListID>8-1</ListID></ItemServiceMod></ItemServiceModRq>"),
        ('type="EditSequence"/>', 'type="EditSequence" minOccurs="0"/>'),
    ),
    "a change with a GUID": Unreadable(
        document(modify(QuickBooks().add_item("Service", "03"), "<ExternalGUID>0</ExternalGUID>")), "check_schema"
    ),
    "a change of the name after the parent": Unreadable(
        document(modify(QuickBooks().add_item("Service", "03"), f"{below('03')}<Name>04</Name>")),
        any_order("ItemServiceMod"),
    ),
    "a change with the sides of an addition": Unreadable(
        document(modify(QuickBooks().add_item("Service", "03"), ONE_SIDE)), "check_schema"
    ),
    "an iterator over accounts": Unreadable(document(query("Account", attributes='iterator="Start"')), "check_schema"),
    "a name and a filter": Unreadable(
        document(query("ItemService", "<FullName>03</FullName><ActiveStatus>All</ActiveStatus>")), "check_schema"
    ),
    "an id and a name": Unreadable(
        document(query("Item", "<ListID>8-1</ListID><FullName>03</FullName>")), "check_schema"
    ),
    "the most before the status": Unreadable(
        document(query("Item", "<ActiveStatus>All</ActiveStatus><MaxReturned>1</MaxReturned>")), "check_schema"
    ),
    "an unknown status": Unreadable(
        document(query("Account", "<ActiveStatus>Some</ActiveStatus>")),
        ('name="ActiveStatus" type="ActiveStatus"', 'name="ActiveStatus" type="xs:string"'),
    ),
    "an unknown type of account": Unreadable(
        document(query("Account", "<AccountType>Revenue</AccountType>")),
        ('name="AccountType" type="AccountType"', 'name="AccountType" type="xs:string"'),
    ),
}


# One request refused, the others of its message not. The rule is a function of rules.py.
@dataclass(frozen=True)
class Refusal:
    rule: str
    status: int
    request: Callable[[QuickBooks], str]


def locked(quickbooks: QuickBooks) -> str:
    quickbooks.lock_items()
    return add()


def five_levels(quickbooks: QuickBooks) -> str:
    path = "03:10"
    for name in ("20", "30", "40"):
        quickbooks.add_item("Service", name, parent=path)
        path = f"{path}:{name}"
    return add(before=below(path))


def known(name: str, change: str, **words: str) -> Callable[[QuickBooks], str]:
    return lambda quickbooks: modify(quickbooks.item(name), change, **words)


def always(request: str) -> Callable[[QuickBooks], str]:
    return lambda quickbooks: request


VENDOR = "<PrefVendorRef><FullName>Acme</FullName></PrefVendorRef></SalesAndPurchase>"
REFUSALS = {
    "a requestID of 51": Refusal("request_id_is_short", 1060, always(add(request_id="x" * 51))),
    "a requestID of 51 in a query": Refusal(
        "request_id_is_short", 1060, always(query("Account", attributes=f'requestID="{"x" * 51}"'))
    ),
    "a class": Refusal("feature_is_on", 3250, always(add(before="<ClassRef><FullName>A</FullName></ClassRef>"))),
    "an unknown tax code": Refusal(
        "reference_is_known", 3140, always(add(before="<SalesTaxCodeRef><FullName>GST</FullName></SalesTaxCodeRef>"))
    ),
    "an unknown vendor": Refusal(
        "reference_is_known", 3140, always(add(sides=TWO_SIDES.replace("</SalesAndPurchase>", VENDOR)))
    ),
    "a locked list": Refusal("list_is_unlocked", 3175, locked),
    "a name of nothing": Refusal("name_is_given", 3150, always(add(""))),
    "a name of blanks": Refusal("name_is_given", 3150, always(add("  "))),
    "a colon": Refusal("name_is_clean", 3090, always(add("a:b"))),
    "a tab": Refusal("name_is_clean", 3090, always(add("a&#9;b"))),
    "a line end": Refusal("name_is_clean", 3090, always(add("a&#10;b"))),
    "a colon by a change": Refusal("name_is_clean", 3090, known("03", "<Name>a:b</Name>")),
    "a name in use": Refusal("name_is_free", 3100, always(add("03"))),
    "a name in use with blanks": Refusal("name_is_free", 3100, always(add(" 03 "))),
    "a name in use in other letters": Refusal("name_is_free", 3100, always(add("NAILS"))),
    "a name in use by an inactive item": Refusal("name_is_free", 3100, always(add("old"))),
    "a name in use below the same parent": Refusal("name_is_free", 3100, always(add("10", before=below("03")))),
    "a change to a name in use": Refusal("name_does_not_merge", 3170, known("03", "<Name>nails</Name>")),
    "a change of nothing": Refusal(
        "item_exists",
        3120,
        always(
            "<ItemServiceModRq><ItemServiceMod><ListID>80000999-1</ListID><EditSequence>1</EditSequence>"
            "</ItemServiceMod></ItemServiceModRq>"
        ),
    ),
    "a change of another type": Refusal("item_exists", 3120, known("Nails", "<Name>Screws</Name>")),
    "an old EditSequence": Refusal("edit_sequence_is_current", 3200, known("03", "<Name>04</Name>", edit_sequence="1")),
    "a change to two sides": Refusal(
        "sides_stay", 3170, known("03", TWO_SIDES.replace("SalesAndPurchase", "SalesAndPurchaseMod"))
    ),
    "no such parent": Refusal("parent_exists", 3130, always(add(before=below("99")))),
    "no such parent by id": Refusal(
        "parent_exists",
        3130,
        always(add(before="<ParentRef><ListID>80000999-1</ListID><FullName>03</FullName></ParentRef>")),
    ),
    "a parent of another type": Refusal("parent_is_service", 3130, always(add(before=below("Nails")))),
    "its own parent": Refusal("parent_is_not_below", 3130, known("03", below("03"))),
    "a parent below itself": Refusal("parent_is_not_below", 3130, known("03", below("03:10"))),
    "a sixth level": Refusal("tiers_are_few", 3130, five_levels),
    "no account": Refusal(
        "account_is_given", 3140, always(add(sides="<SalesOrPurchase><Desc>A</Desc></SalesOrPurchase>"))
    ),
    "no income account": Refusal(
        "account_is_given",
        3140,
        always(add(sides=f"<SalesAndPurchase><ExpenseAccountRef>{COSTS}</ExpenseAccountRef></SalesAndPurchase>")),
    ),
    "no expense account": Refusal(
        "account_is_given",
        3140,
        always(add(sides=f"<SalesAndPurchase><IncomeAccountRef>{INCOME}</IncomeAccountRef></SalesAndPurchase>")),
    ),
    "no such account": Refusal("account_exists", 3140, always(add(sides=one_side("Cloud Income")))),
    "no such account by id": Refusal(
        "account_exists",
        3140,
        always(add(sides=ONE_SIDE.replace("<FullName>", "<ListID>80000999-1</ListID><FullName>"))),
    ),
    "an inactive account": Refusal("account_is_active", 3140, always(add(sides=one_side("R&#233;novation (old)")))),
    "an inactive expense account": Refusal(
        "account_is_active", 3140, always(add(sides=two_sides("Construction Income", "Freight (old)")))
    ),
    "a bank for income": Refusal("account_kind_fits", 3140, always(add(sides=one_side("Payroll Account")))),
    "an income for expense": Refusal(
        "account_kind_fits", 3140, always(add(sides=two_sides("Construction Income", "Interest Income")))
    ),
    "a bank by a change": Refusal(
        "account_kind_fits",
        3140,
        known("03", one_side("Payroll Account").replace("SalesOrPurchase", "SalesOrPurchaseMod")),
    ),
}
