"""What says that an item of the ERP is another code's: only who confirms exactly that takes it for this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from erp_integrations.base import Receipt
from erp_integrations.models import Connection
from exports.matching import spellings
from exports.models import CodeExport, Status
from wbs.codes import code_key, fold
from wbs.models import Segment, SegmentItem

CARRIES = "It carries the reference of {code}."
ITS = "It is the item of {code}."
LOST = "It carries an identifier that no cost code here has: of a code that is lost here, or from another program."
NAMED = "In the ERP it is called {name}, which is the code of another cost code."


def why_anothers(connection: Connection, held: Sequence[tuple[CodeExport, Receipt]]) -> list[str]:
    """Of each pair, why the item that the code would take looks like another's, as a sentence; empty if it does not.

    `is_ours` of a receipt is to say whether the item carries the reference of that code. Few queries, however many.
    """
    if not held:
        return []
    delimiter = _delimiter(connection)
    names = [spellings(receipt.code, delimiter) for _, receipt in held]
    namesakes = SegmentItem.objects.cost_codes().filter(company=connection.company_id)
    named = namesakes.filter(full_code_key__in=set().union(*names))
    taken = dict(named.order_by().values_list("full_code_key", "pk"))
    carried = _carried(connection, CodeExport.objects.filter(company=connection.company_id), held)
    claims = []
    for (row, receipt), carries, called in zip(held, carried, names, strict=True):
        meant = {name: taken[name] for name in called if name in taken}
        told = (
            NAMED.format(name=" ".join(receipt.code.split())) if _is_called_another(row, receipt, called, meant) else ""
        )
        claims.append(f"{carries} {told}".strip())
    return claims


def _is_called_another(row: CodeExport, receipt: Receipt, called: set[str], meant: dict[str, int]) -> bool:
    """Whether the item is called as a cost code is, and not as the row's. `meant`: ids of cost codes, by their keys.

    A cost code that reads like another has a key of its own (wbs migration 0012): between two such ids decide.
    """
    spelled, key, own = fold(receipt.code), code_key(receipt.code), code_key(row.code)
    if spelled != key and spelled in meant:
        return meant[spelled] != row.item_id
    if fold(row.code) != own:
        return bool(meant) and row.item_id not in meant.values()
    return bool(meant) and own not in called


def why_anothers_of(export: CodeExport) -> str:
    """Why the item that the ERP showed last looks like another's: one to be linked, or what a synced one became."""
    shown = export.erp_values if export.status == Status.SUCCESS else export.receipt
    if not shown or export.is_update:
        return ""
    receipt = _read(shown)
    if export.status == Status.SUCCESS:
        receipt = _news(receipt, export)
    return why_anothers(export.connection, [(export, receipt)])[0]


def _read(stored: dict[str, Any]) -> Receipt:
    """A receipt as a row keeps it, as far as it is looked at here; those of older rows have no owner."""
    remote_id, code, description = (stored.get(name, "") for name in ("remote_id", "code", "description"))
    is_ours, owner = bool(stored.get("is_ours")), stored.get("owner", "")
    return Receipt(remote_id, code, description, None, None, is_ours=is_ours, owner=owner)


def _news(found: Receipt, export: CodeExport) -> Receipt:
    """Without what was so already when the item was taken for this code."""
    before = export.receipt or {}
    code = export.code if found.code == before.get("code") else found.code
    return replace(found, code=code, owner="" if found.owner == before.get("owner") else found.owner)


def _carried(
    connection: Connection, ours: QuerySet[CodeExport], held: Sequence[tuple[CodeExport, Receipt]]
) -> list[str]:
    """Of each pair, whose identifier the item carries, as a sentence; empty if it is the code's own, or none."""
    anothers = [receipt for _, receipt in held if receipt.is_anothers]
    if not anothers:
        return [""] * len(held)
    owners = {receipt.owner for receipt in anothers}
    references = connection.adapter_class.references_of(owners, ours.values_list("reference", flat=True))
    codes = dict(ours.filter(reference__in=references.values()).values_list("reference", "code"))
    holders = connection.code_exports.filter(remote_id__in=[receipt.remote_id for receipt in anothers])
    held_by = dict(holders.values_list("remote_id", "code"))

    def sentence(row: CodeExport, receipt: Receipt) -> str:
        if not receipt.is_anothers:
            return ""
        if code := codes.get(references.get(receipt.owner, "")):
            return CARRIES.format(code=code)
        holder = held_by.get(receipt.remote_id, row.code)
        return LOST if holder == row.code else ITS.format(code=holder)

    return [sentence(row, receipt) for row, receipt in held]


def _delimiter(connection: Connection) -> str:
    segments = Segment.objects.filter(company=connection.company_id, slug="cost-codes")
    return segments.values_list("delimiter", flat=True).first() or ""
