"""Migrations that move data, on data of the schema before them.

Those that have landed do not change any more: the quick run has the newest one only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from tests import factories

Migrate = Callable[..., Any]


@pytest.fixture
def migrate(transactional_db: None) -> Iterator[Migrate]:
    """`migrate(("wbs", "0006_..."))`: the schema as it was then, and its models. In the end it is today's again."""

    def to(*targets: tuple[str, str]) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate(list(targets))
        return executor.loader.project_state(list(targets)).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def make_items(apps: Any, number: int) -> list[int]:
    company = apps.get_model("companies", "Company").objects.create(name="Sample", slug="sample")
    segment = apps.get_model("wbs", "Segment").objects.create(company=company, name="Cost Code", slug="cost-codes")
    for place in range(number):
        code = f"{place:03}"
        values = dict.fromkeys(("code", "full_code", "full_code_key", "sort_key"), code)
        values |= {"description": "Concrete", "description_key": "concrete"}
        apps.get_model("wbs", "SegmentItem").objects.create(company=company, segment=segment, **values)
    return list(apps.get_model("wbs", "SegmentItem").objects.order_by("pk").values_list("pk", flat=True))


def send(apps: Any, item_id: int, reference: str) -> None:
    """Under a reference of that time."""
    company = apps.get_model("companies", "Company").objects.get()
    erp, _ = apps.get_model("erp_integrations", "Connection").objects.get_or_create(
        company=company, erp="practice", name="Practice ERP", slug="practice-erp"
    )
    item = apps.get_model("wbs", "SegmentItem").objects.get(pk=item_id)
    values = {name: getattr(item, name) for name in ("code", "description", "description_key", "sort_key")}
    apps.get_model("exports", "CodeExport").objects.create(
        company=company,
        connection=erp,
        item_id=item_id,
        code_key=item.full_code_key,
        item_version=1,
        reference=reference,
        **values,
    )


@pytest.mark.slow
def test_items_get_random_guids_and_keep_what_they_were_sent_under(migrate: Migrate) -> None:
    before = migrate(("wbs", "0006_project_own_codes"), ("exports", "0009_updates_index"))
    ids = make_items(before, 30)
    send(before, ids[0], f"c0ffee-{ids[0]}")

    migrate(("wbs", "0007_item_guids"))

    from exports.models import CodeExport
    from wbs.models import SegmentItem

    guids = list(SegmentItem.objects.values_list("guid", flat=True))
    assert (len(guids), len(set(guids))) == (30, 30)
    assert CodeExport.objects.values_list("item", "reference").get() == (ids[0], f"c0ffee-{ids[0]}")
    item = SegmentItem.objects.get(pk=ids[1])
    assert SegmentItem.objects.get(guid=item.guid) == item, "as Django writes it"


@pytest.mark.slow
def test_what_may_be_under_way_keeps_its_request_key(migrate: Migrate) -> None:
    before = migrate(("wbs", "0006_project_own_codes"), ("exports", "0009_updates_index"))
    tries = {"uncertain": ["uncertain"], "refused": ["uncertain", "refused"], "never": [], "not sent": ["not sent"]}
    attempts = before.get_model("exports", "Attempt").objects
    for item_id, (reference, outcomes) in zip(make_items(before, len(tries)), tries.items(), strict=True):
        send(before, item_id, reference)
        export = before.get_model("exports", "CodeExport").objects.get(reference=reference)
        for place, outcome in enumerate(outcomes):
            key = f"{reference} {place}"
            attempts.create(export=export, generation=1, request_key=key, lease_token=1, payload={}, outcome=outcome)
        attempts.create(export=export, generation=0, request_key="of an earlier life", lease_token=1, payload={})

    migrate(("wbs", "0007_item_guids"), ("exports", "0012_request_keys"))

    from exports.models import CodeExport

    assert dict(CodeExport.objects.values_list("reference", "request_key")) == {
        "uncertain": "uncertain 0",
        "refused": "",
        "never": "",
        "not sent": "not sent 0",
    }


@pytest.mark.slow
def test_words_become_statuses_and_the_kind_of_the_last_click_the_cause(migrate: Migrate) -> None:
    before = migrate(("wbs", "0007_item_guids"), ("exports", "0013_accounts_as_picked"))
    codes = {  # reference -> (status, kind of its last click, message, the word in the WBS)
        "rejected": ("REJECTED", "reject", "Recalled by mistake", "Rejected"),
        "recalled": ("REJECTED", "recall", "Recalled by dora", "Rejected"),
        "unlinked": ("REJECTED", "unlink", "Unlinked by alice: Wrong item", "Rejected"),
        "ready": ("READY", "undo", "", "Ready to Export"),
        "review": ("ATTENTION", "export", "It exists.", "Needs review"),
    }
    user = before.get_model("auth", "User").objects.create(username="dora")
    for item_id, (reference, (status, kind, message, word)) in zip(
        make_items(before, len(codes)), codes.items(), strict=True
    ):
        send(before, item_id, reference)
        row = before.get_model("exports", "CodeExport").objects.get(reference=reference)
        at = {"company_id": row.company_id, "connection_id": row.connection_id}
        row.batch = before.get_model("exports", "Batch").objects.create(kind=kind, actor=user, **at)
        row.status, row.message = status, message
        row.save()
        before.get_model("wbs", "Hold").objects.create(item_id=item_id, item_version=1, word=word, note=message, **at)

    migrate(("wbs", "0009_exporting"), ("exports", "0018_plain_names"))

    from exports.models import CodeExport
    from exports.pages.words import status_words
    from wbs.models import Hold

    rows = {row.reference: row for row in CodeExport.objects.all()}
    assert {name: row.cause for name, row in rows.items()} == {
        **{name: name for name in ("rejected", "recalled", "unlinked")},
        "ready": "",
        "review": "",
    }
    assert {hold.item_id: hold.status for hold in Hold.objects.all()} == {
        row.item_id: row.status for row in rows.values()
    }
    assert [str(status_words(rows[name])) for name in ("rejected", "recalled")] == [
        "Rejected: Recalled by mistake",
        "Recalled by dora",
    ]


@pytest.mark.slow
def test_fields_keep_what_they_hold_and_a_code_at_its_erp_is_exporting(migrate: Migrate) -> None:
    before = migrate(("wbs", "0008_hold_status"), ("exports", "0017_room_for_attempts"))
    ids = make_items(before, 3)
    for item_id, reference in zip(ids, ("sent", "back", "update"), strict=True):
        send(before, item_id, reference)
    rows, holds = (before.get_model(*name).objects for name in (("exports", "CodeExport"), ("wbs", "Hold")))
    erp = rows.get(reference="sent").connection
    account = before.get_model("erp_integrations", "GLAccount").objects.create(
        connection=erp, remote_id="1", number="4000", name="Sales", kind="income"
    )
    rows.filter(reference="sent").update(status="SENDING", income_account=account, doubts=2, look_first=True)
    rows.filter(reference="back").update(previous_status="SENDING", found={"code": "x"}, drift="gone")
    rows.filter(reference="update").update(
        status="SENDING", income_account=account, kept={"description": "x"}, remote_id="7"
    )
    for item_id in ids:
        at = {"company_id": erp.company_id, "connection_id": erp.pk, "item_id": item_id}
        holds.create(item_version=1, status=rows.get(item_id=item_id).status, **at)

    migrate(("wbs", "0009_exporting"), ("exports", "0018_plain_names"))

    from exports.models import CodeExport
    from wbs.models import Hold

    by_reference = {row.reference: row for row in CodeExport.objects.all()}
    assert {name: (row.status, row.previous_status) for name, row in by_reference.items()} == {
        "sent": ("EXPORTING", ""),
        "back": ("READY", "EXPORTING"),
        "update": ("EXPORTING", ""),
    }
    sent = by_reference["sent"]
    assert (sent.lost_answers, sent.ask_first, sent.before_update) == (2, True, None)
    assert (by_reference["back"].erp_values, by_reference["back"].drift) == ({"code": "x"}, "orphaned")
    assert by_reference["update"].before_update == {"description": "x"}
    assert list(Hold.objects.order_by("item").values_list("status", flat=True)) == ["EXPORTING", "READY", "EXPORTING"]


BEFORE_THE_MOVE = [("wbs", "0009_exporting"), ("exports", "0018_plain_names")]


def make_defaults(apps: Any) -> list[tuple[int, ...]]:
    """Of a division with both accounts, and of a code with an expense account alone, as rows of their table."""
    ids = make_items(apps, 2)
    send(apps, ids[0], "sent")
    erp = apps.get_model("erp_integrations", "Connection").objects.get()
    accounts = apps.get_model("erp_integrations", "GLAccount").objects
    sales, labor = (
        accounts.create(connection=erp, remote_id=number, number=number, name=number, kind=kind).pk
        for number, kind in (("4000", "income"), ("5000", "expense"))
    )
    made = apps.get_model("exports", "DefaultAccounts").objects
    for item, income in zip(ids, (sales, None), strict=True):
        made.create(connection=erp, item_id=item, income_account_id=income, expense_account_id=labor)
    return list(made.order_by("pk").values_list(*OF_DEFAULTS))


OF_DEFAULTS = ("pk", "connection", "item", "income_account", "expense_account")


def test_default_accounts_move_with_their_rows_and_rules(migrate: Migrate) -> None:
    rows = make_defaults(migrate(*BEFORE_THE_MOVE))

    migrate(("wbs", "0010_default_accounts"))

    from wbs.models import DefaultAccounts

    assert list(DefaultAccounts.objects.order_by("pk").values_list(*OF_DEFAULTS)) == rows
    held = DefaultAccounts.objects.latest("pk")
    for values in ({"item": held.item, "income_account": held.expense_account}, {"item": None}, {}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DefaultAccounts.objects.create(connection=held.connection, **values)
    more = DefaultAccounts.objects.create(
        connection=factories.make_connection(held.connection.company, slug="other"),
        item=held.item,
        expense_account=held.expense_account,
    )
    assert more.pk > held.pk, "the table still gives the ids"


def test_default_accounts_go_back_where_they_were(migrate: Migrate) -> None:
    rows = make_defaults(migrate(*BEFORE_THE_MOVE))
    migrate(("wbs", "0010_default_accounts"))

    before = migrate(*BEFORE_THE_MOVE)

    assert list(before.get_model("exports", "DefaultAccounts").objects.order_by("pk").values_list(*OF_DEFAULTS)) == rows
