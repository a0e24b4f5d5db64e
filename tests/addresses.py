"""Every address of the product, and what it needs: the table of `test_access.py`, and the pages that are looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.urls import get_resolver

from erp_integrations.adapters.practice.behaviour import Behaviour
from tests.access import Case, Right, World, addresses

Body = dict[str, Any]


def rights(world: World) -> Body:
    return {"admin_level": 1, "erp_level": 1, "version": 1, "username": "charlie"}


def connection(world: World) -> Body:
    return {"name": "Renamed", "income": world.account.pk, "options-behaviour": Behaviour.NORMAL}


def default(world: World) -> Body:
    return {"income": world.other_account.pk}


def item(world: World) -> Body:
    return {"code": "900", "description": "New", "parent": world.item.parent_id, "version": 1}


def items(world: World) -> Body:
    return {"item": [world.item.pk, world.export.item_id], "connection": world.connection.pk, "action": "deactivate"}


def project(world: World) -> Body:
    return {"number": "P-1", "name": "Renamed", "connection": world.connection.pk, "version": 1}


def accounts(world: World) -> Body:
    return {"version": 1, "item_version": 1, "income": world.other_account.pk, "expense": ""}


def ticked(world: World) -> Body:
    read = {"filter": "all", "only": "ticked", "seen_at": f"{datetime.max.replace(tzinfo=UTC).isoformat()} 999999"}
    return {**read, "export": [world.export.pk, world.failed.pk], "set_income": world.account.pk}


def linked(world: World) -> Body:
    return {"export": f"{world.export.pk}:R1"}


SEE_WBS, EDIT_WBS = Right.SEE_WBS, Right.EDIT_WBS
SEE_ERP, REVIEW, CONFIGURE = Right.SEE_ERP, Right.REVIEW, Right.CONFIGURE_ERP

CASES = {
    "healthz": Case(get=Right.PUBLIC),
    "readyz": Case(get=Right.PUBLIC),
    "erp_integrations_public:supported": Case(get=Right.PUBLIC),
    "companies:home": Case(get=Right.SIGNED_IN),
    "companies:sign_in": Case(get=Right.PUBLIC, post=Right.PUBLIC),
    "companies:sign_out": Case(post=Right.PUBLIC),
    "companies:members": Case(get=EDIT_WBS),
    "companies:add": Case(post=EDIT_WBS, body=rights),
    "companies:change": Case(post=EDIT_WBS, body=rights),
    "companies:four_eyes": Case(post=EDIT_WBS, body=lambda world: {"four_eyes": "on"}),
    "companies:remove": Case(post=EDIT_WBS, body=rights),
    "wbs:segments": Case(get=SEE_WBS),
    "wbs:cost_codes": Case(get=SEE_WBS),
    "wbs:codes": Case(get=SEE_WBS),
    "wbs:add_segment": Case(post=EDIT_WBS, body=lambda world: {"name": "Phase"}),
    "wbs:delete_segment": Case(post=EDIT_WBS),
    "wbs:budget_code": Case(get=EDIT_WBS, post=EDIT_WBS, body=lambda world: {"delimiter": "/"}),
    "wbs:change_items": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "wbs:check_item": Case(get=EDIT_WBS),
    "wbs:add_item": Case(get=EDIT_WBS, post=EDIT_WBS, body=item, sends_ids=True),
    "wbs:edit_item": Case(get=EDIT_WBS, post=EDIT_WBS, body=item, sends_ids=True),
    "wbs:import_codes": Case(get=EDIT_WBS, post=EDIT_WBS),
    "wbs:draft": Case(get=EDIT_WBS),
    "wbs:undo_import": Case(post=EDIT_WBS),
    "wbs:download_template": Case(get=EDIT_WBS),
    "wbs:export_csv": Case(get=SEE_WBS),
    "wbs:export_xlsx": Case(get=SEE_WBS),
    "wbs:projects": Case(get=SEE_WBS),
    "wbs:add_project": Case(get=EDIT_WBS, post=EDIT_WBS, body=project, sends_ids=True),
    "wbs:missing_codes": Case(get=SEE_WBS),
    "wbs:add_where_missing": Case(post=EDIT_WBS, body=lambda world: {"project": world.project.pk}, sends_ids=True),
    "wbs:project": Case(get=SEE_WBS),
    "wbs:edit_project": Case(get=EDIT_WBS, post=EDIT_WBS, body=project, sends_ids=True),
    "wbs:company_codes": Case(
        get=EDIT_WBS, post=EDIT_WBS, body=lambda world: {"add": "selected", "item": world.item.pk}, sends_ids=True
    ),
    "wbs:remove_codes": Case(post=EDIT_WBS, body=lambda world: {"item": world.export.item_id}, sends_ids=True),
    "wbs:add_own_code": Case(post=EDIT_WBS, body=lambda world: {"code": "900", "description": "New"}),
    "wbs:remove_own_code": Case(post=EDIT_WBS),
    "erp_integrations:connections": Case(get=SEE_ERP),
    "erp_integrations:supported": Case(get=SEE_ERP),
    "erp_integrations:new_connection": Case(get=CONFIGURE, post=CONFIGURE, body=connection),
    "erp_integrations:connecting": Case(get=CONFIGURE),
    "erp_integrations:question": Case(get=SEE_ERP),
    "erp_integrations:context": Case(get=SEE_ERP),
    "erp_integrations:gl_accounts": Case(get=SEE_ERP),
    "erp_integrations:sync_gl_accounts": Case(post=CONFIGURE),
    "erp_integrations:settings": Case(get=CONFIGURE, post=CONFIGURE, body=connection, sends_ids=True),
    "erp_integrations:test_connection": Case(post=CONFIGURE, body=connection),
    "erp_integrations:pause": Case(post=CONFIGURE),
    "erp_integrations:resume": Case(post=CONFIGURE),
    "exports:send": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "exports:recall": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "exports:standard_cost_codes": Case(get=SEE_ERP),
    "exports:poll": Case(post=SEE_ERP, body=ticked),
    "exports:export": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:reject": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:retry_selected": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:set_accounts": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:undo": Case(post=REVIEW, pk="rejection"),
    "exports:reason": Case(post=REVIEW, pk="rejection", body=lambda world: {"reason": "Wrong division"}),
    "exports:default_accounts": Case(get=CONFIGURE),
    "exports:default_accounts_of": Case(get=CONFIGURE, post=CONFIGURE, pk="item", body=default, sends_ids=True),
    "exports:link_page": Case(get=REVIEW),
    "exports:lost_page": Case(get=REVIEW),
    "exports:read_items": Case(post=REVIEW),
    "exports:link_selected": Case(post=REVIEW, body=linked),
    "exports:accept_change": Case(post=REVIEW, pk="export"),
    "exports:update": Case(post=REVIEW, pk="synced", body=accounts, sends_ids=True),
    "exports:unlink": Case(post=REVIEW, pk="export", body=lambda world: {"reason": "Wrong item"}),
    "exports:reject_one": Case(post=REVIEW, pk="export"),
    "exports:reset": Case(post=REVIEW, pk="export"),
    "exports:code": Case(get=SEE_ERP, pk="export"),
    "exports:assign": Case(post=REVIEW, pk="export", body=accounts, sends_ids=True),
    "exports:retry": Case(post=REVIEW, pk="export"),
    "exports:cancel": Case(post=REVIEW, pk="export"),
    "exports:link": Case(post=REVIEW, pk="export"),
    "exports:rules": Case(get=SEE_ERP),
    "exports:history": Case(get=SEE_ERP),
    "exports:batch": Case(get=SEE_ERP, pk="rejection"),
    "exports:batch_csv": Case(get=SEE_ERP, pk="rejection"),
    "exports:download_qwc": Case(get=CONFIGURE, connection="pulled"),
    "exports:new_password": Case(post=CONFIGURE, connection="pulled"),
    "web_connector:endpoint": Case(get=Right.PUBLIC, post=Right.MACHINE),
    "web_connector:support": Case(get=Right.PUBLIC),
}

ADDRESSES = {address.name: address for address in addresses(get_resolver().url_patterns)}
