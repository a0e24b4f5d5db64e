"""What says that an item of the ERP is another code's: only who confirms exactly that takes it for this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from erp_integrations.base import Receipt
from erp_integrations.models import Connection
from exports.matching import spellings
from exports.models import CodeExport, Status
from wbs.codes import fold
from wbs.models import Segment, SegmentItem

CARRIES = "It carries the reference of {code}."
LOST = "It carries a reference that no cost code here has: it was made for a code that is lost here, or from elsewhere."
NAMED = "In the ERP it is called {name}, which is the code of another cost code."


def claims_of(connection: Connection, held: Sequence[tuple[CodeExport, Receipt]]) -> list[str]:
    """Of each pair, why the item that the code would take looks like another's, as a sentence; empty if it does not.

    `is_ours` of a receipt is to say whether the item carries the reference of that code. Three queries, however many.
    """
    if not held:
        return []
    anothers = {receipt.owner for _, receipt in held if receipt.is_anothers}
    owners = CodeExport.objects.filter(company=connection.company_id, reference__in=anothers)
    codes = dict(owners.values_list("reference", "code"))
    delimiter = _delimiter(connection)
    names = [spellings(receipt.code, delimiter) for _, receipt in held]
    namesakes = SegmentItem.objects.cost_codes().filter(company=connection.company_id)
    taken = set(namesakes.filter(full_code_key__in=set().union(*names)).values_list("full_code_key", flat=True))
    claims = []
    for (row, receipt), called in zip(held, names, strict=True):
        why = []
        if receipt.is_anothers:
            code = codes.get(receipt.owner)
            why.append(CARRIES.format(code=code) if code else LOST)
        if fold(row.code) not in called and called & taken:
            why.append(NAMED.format(name=" ".join(receipt.code.split())))
        claims.append(" ".join(why))
    return claims


def claim_on(export: CodeExport) -> str:
    """Why the item that the ERP showed last looks like another's: one to be linked, or what a synced one became."""
    shown = export.found if export.status == Status.SUCCESS else export.receipt
    if not shown or export.is_update:
        return ""
    receipt = _read(shown)
    if export.status == Status.SUCCESS:
        receipt = _news(receipt, export)
    return claims_of(export.connection, [(export, receipt)])[0]


def confirmed(claim: str) -> str:
    """What the audit trail says of one who confirmed it; empty when there was nothing to confirm."""
    return f"Confirmed by the one who linked it: {claim}" if claim else ""


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


def _delimiter(connection: Connection) -> str:
    segments = Segment.objects.filter(company=connection.company_id, slug="cost-codes")
    return segments.values_list("delimiter", flat=True).first() or ""
