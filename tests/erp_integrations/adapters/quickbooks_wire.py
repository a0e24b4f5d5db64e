"""QuickBooks' answers to the letter, as tests of the adapter hold them against it."""

from __future__ import annotations

from dataclasses import replace

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.adapters.quickbooks_desktop.payload import guid_of
from erp_integrations.base import (
    CodeData,
    Outcome,
)

FLAT = QuickBooksDesktopAdapter(1, {}, {})
TIERED = QuickBooksDesktopAdapter(1, {"item_names": "tiers", "codes_per_message": 50}, {})
CODE = CodeData("c0ffee-7", "01-0010", "Béton — 2″ & <b>", ("01", "0010"), "8000000A-17", "8000000B-17")
ONE_SIDED = replace(CODE, expense_account=None)
PROLOG = '<?xml version="1.0" encoding="utf-8"?><?qbxml version="13.0"?>'


def answer(*responses: str, status: str = "") -> str:
    told = f' messageSetStatusCode="{status}"' if status else ""
    return f'<?xml version="1.0" ?>\n<QBXML>\n<QBXMLMsgsRs{told}>\n{"".join(responses)}</QBXMLMsgsRs>\n</QBXML>\n'


def added(code: CodeData, status: int, words: str = "Status OK", ret: str = "", number: str | None = None) -> str:
    number = guid_of(code).hex if number is None else number
    return (
        f'<ItemServiceAddRs requestID="{number}" statusCode="{status}" statusSeverity="Info" '
        f'statusMessage="{words}">{ret}</ItemServiceAddRs>'
    )


def ret(code: CodeData, name: str = "", tag: str = "ItemServiceRet", **changes: str) -> str:
    held = {"list_id": "80000001-1", "guid": f"{{{guid_of(code)}}}".upper(), "sales": "Concrete", **changes}
    return (
        f"<{tag}><ListID>{held['list_id']}</ListID><Name>{name or code.code}</Name>"
        f"<FullName>{name or code.code}</FullName><IsActive>true</IsActive>"
        f"<SalesAndPurchase><SalesDesc>{held['sales']}</SalesDesc><SalesPrice>0.00</SalesPrice>"
        f"<IncomeAccountRef><ListID>{code.income_account}</ListID><FullName>Income</FullName></IncomeAccountRef>"
        f"<PurchaseDesc>{held.get('purchase', held['sales'])}</PurchaseDesc>"
        f"<ExpenseAccountRef><ListID>{code.expense_account}</ListID></ExpenseAccountRef></SalesAndPurchase>"
        f"<ExternalGUID>{held['guid']}</ExternalGUID></{tag}>"
    )


def found(*rets: str, inactive: str = "") -> str:
    status = 0 if inactive else 1
    return answer(
        f'<ItemQueryRs requestID="named" statusCode="500" statusSeverity="Warn" statusMessage="">{"".join(rets)}'
        "</ItemQueryRs>",
        f'<ItemQueryRs requestID="inactive" statusCode="{status}" statusMessage="">{inactive}</ItemQueryRs>',
    )


def outcome(status: int, words: str = "", code: CodeData = CODE, adapter: QuickBooksDesktopAdapter = FLAT) -> Outcome:
    [told] = adapter.read_outcomes([code], answer(added(code, status, words)))
    return told


PLAIN = replace(CODE, description="Concrete")
