from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from companies.models import Level
from erp_integrations.base import ACCOUNT_FIELDS, AccountKind
from erp_integrations.models import Connection, GLAccount
from tests import factories
from tests.wbs.conftest import signed_in
from wbs.account_lists import chart_of
from wbs.exported_lists import ACCOUNTS, table_of
from wbs.models import SegmentItem, keep_default_accounts

pytestmark = pytest.mark.either

CSV = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/export/"
BOTH = ["code", "description", "Income Account", "Expense Account"]


@pytest.fixture
def erp(db: None) -> Connection:
    for code in ("03-100", "03-200"):
        factories.make_cost_code(code, "Footings")
    connection = factories.make_connection()
    factories.make_account(connection, "4000", name="Sales")
    factories.make_account(connection, "5000", AccountKind.EXPENSE, name="Labor")
    return connection


def give(erp: Connection, code: str, income: str = "", expense: str = "") -> None:
    """Accounts by their numbers."""
    ids = {number: pk for pk, number in erp.gl_accounts.values_list("pk", "number")} | {"": None}
    accounts = dict(zip(ACCOUNT_FIELDS, (ids[income], ids[expense]), strict=True))
    item = SegmentItem.objects.get(full_code=code, company=erp.company)
    keep_default_accounts(erp, {item.pk: accounts}, None)


def table(**values: Any) -> list[list[str]]:
    found = table_of(factories.make_segment(), **{"has_accounts": True, **values})
    return [found.heading, *found.rows]


def rows(client: Client) -> list[list[str]]:
    """Of the CSV; the workbook must say the same."""
    listed = list(csv.reader(io.StringIO(client.get(CSV).content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(client.get(f"{CSV}xlsx/").content)).active
    assert [[cell.value or "" for cell in row] for row in sheet.iter_rows()] == listed
    return listed


def test_default_accounts_are_columns_of_both_files(erp: Connection, dora: Client) -> None:
    give(erp, "03", "4000")
    give(erp, "03-100", "4000", "5000")

    assert rows(dora) == [
        BOTH,
        ["03", "Division 03", "4000 Sales", ""],
        ["03-100", "Footings", "4000 Sales", "5000 Labor"],
        ["03-200", "Footings", "", ""],
    ]


def test_what_is_inherited_is_not_written(erp: Connection) -> None:
    erp.default_expense_account = erp.gl_accounts.get(number="5000")
    erp.save()
    assert table()[0] == ["code", "description"], "the connection's defaults are no code's own"

    give(erp, "03", "4000")

    assert table()[2] == ["03-100", "Footings", "", ""]


def test_the_status_stays_where_it_was(erp: Connection) -> None:
    give(erp, "03-200", "", "5000")
    factories.make_segment().set_active([SegmentItem.objects.get(full_code="03-100").pk], False, None)

    assert table() == [
        ["code", "description", "status", *BOTH[2:]],
        ["03", "Division 03", "Active", "", ""],
        ["03-100", "Footings", "Inactive", "", ""],
        ["03-200", "Footings", "Active", "", "5000 Labor"],
    ]


def test_columns_of_several_connections_carry_their_names(erp: Connection) -> None:
    other = factories.make_connection(name="Zeta Books", slug="zeta")
    factories.make_account(other, "9000", name="Theirs")
    give(erp, "03", "4000")
    assert table()[0] == BOTH, "one without defaults makes no columns"

    give(other, "03", "9000")

    assert table()[:2] == [
        [*BOTH[:2], *(f"{name} ({each})" for each in ("Practice ERP", "Zeta Books") for name in ACCOUNTS.values())],
        ["03", "Division 03", "4000 Sales", "", "9000 Theirs", ""],
    ]


def test_an_erp_without_an_expense_account_has_no_column_for_it(
    erp: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(erp, "03", "4000", "5000")
    able = replace(erp.capabilities, has_expense_account=False)
    monkeypatch.setattr(erp.adapter_class, "capabilities", able)

    assert table()[:2] == [BOTH[:3], ["03", "Division 03", "4000 Sales"]]


def test_the_accounts_of_an_integration_that_is_gone_are_written_all_the_same(erp: Connection) -> None:
    give(erp, "03", "4000")
    Connection.objects.update(erp="gone")

    assert table()[:2] == [BOTH, ["03", "Division 03", "4000 Sales", ""]]


def test_other_companies_and_segments_have_none_of_it(erp: Connection, charlie: Client) -> None:
    give(erp, "03", "4000")
    theirs = factories.make_segment(factories.make_company("Other Builders", "other-builders"))
    factories.make_cost_code("03", segment=theirs)

    assert table_of(theirs, has_accounts=True).heading == ["code", "description"]
    assert b"Sales" not in charlie.get(CSV.replace("sample", "other")).content
    assert charlie.get(CSV).status_code == 404


def test_who_may_not_look_at_erps_gets_the_list_without_accounts(erp: Connection) -> None:
    give(erp, "03", "4000")
    eve = factories.make_member("eve", admin=Level.ADMIN)

    assert rows(signed_in(eve))[:2] == [["code", "description"], ["03", "Division 03"]]
    assert rows(signed_in(factories.make_bob()))[0] == BOTH, "who may look at ERPs gets them"


@pytest.mark.parametrize(
    ("name", "is_guarded"),
    [("=1+1", True), ("@x", True), ("-5", True), ("'=1", True), ("1.10", False), ("Jan-10", False), ("A\x01B", False)],
)
def test_no_account_is_a_formula_and_each_is_found_again(
    erp: Connection, dora: Client, name: str, is_guarded: bool
) -> None:
    made = factories.make_account(erp, "", remote_id="odd", name=name)
    SegmentItem.objects.filter(full_code="03").update(description="x")
    ids = {"income_account": made.pk}
    keep_default_accounts(erp, {SegmentItem.objects.get(full_code="03").pk: ids}, None)

    [[_, _, as_csv, _]] = list(csv.reader(io.StringIO(dora.get(CSV).content.decode("utf-8-sig"))))[1:2]
    sheet = load_workbook(io.BytesIO(dora.get(f"{CSV}xlsx/").content)).active

    assert as_csv == f"'{name}" if is_guarded else name
    assert {(cell.data_type, cell.number_format) for row in sheet.iter_rows() for cell in row if cell.value} == {
        ("s", "@")
    }
    found = chart_of(erp).find(str(sheet["C2"].value), "income_account")
    assert found.account is not None
    assert found.account.pk == made.pk


def test_accounts_that_read_alike_are_found_again(erp: Connection) -> None:
    for parent in ("Shop", "Site"):
        factories.make_account(erp, "5100", AccountKind.EXPENSE, remote_id=parent, name="Labor", distinction=parent)
    keep = {SegmentItem.objects.get(full_code="03").pk: {"expense_account": GLAccount.objects.get(remote_id="Site").pk}}
    keep_default_accounts(erp, keep, None)

    text = table()[1][3]

    found = chart_of(erp).find(text, "expense_account")
    assert found.account is not None
    assert found.account.pk == GLAccount.objects.get(remote_id="Site").pk


@pytest.mark.parametrize("address", [CSV, f"{CSV}xlsx/"])
def test_it_takes_as_many_queries_for_many_codes_as_for_few(erp: Connection, dora: Client, address: str) -> None:
    give(erp, "03", "4000")
    with CaptureQueriesContext(connection) as few:
        dora.get(address)
    for number in range(40):
        factories.make_cost_code(f"04-{number}")
        give(erp, f"04-{number}", "4000", "5000")
    with CaptureQueriesContext(connection) as many:
        dora.get(address)

    assert len(many) == len(few)
