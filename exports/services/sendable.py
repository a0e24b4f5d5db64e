"""Which codes may be sent to review, and why the others stay.

What every adapter refuses by its capabilities is SQL, so that no code is read that goes; an adapter with a `validate`
of its own is asked about each. `tests/exports/services/test_sendable.py` holds that SQL and sentences agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, Length, Replace, StrIndex
from django.db.models.lookups import Exact, LessThanOrEqual

from core.bulk import listed
from erp_integrations.base import Adapter, Capabilities, CodeData
from erp_integrations.models import Connection
from exports.models import CodeExport, CodeExportQuerySet, Status
from exports.services.results import Problem
from wbs.codes import split
from wbs.models import Segment, SegmentItem, SegmentItemQuerySet, has_items_below


class Sendable:
    """What one connection's ERP takes; divisions are to be sent before what lies below them."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.able, self.adapter = connection, connection.capabilities, connection.adapter()
        self.delimiter = Segment.of(connection.company).delimiter

    def among(self, ids: Sequence[int]) -> list[int]:
        """Those of these cost codes, whose rows are locked, that keep all rules as the queue is now."""
        on_way, meant = self._on_their_way(), SegmentItem.objects.filter(pk__in=listed(ids), is_active=True)
        taken = set(meant.filter(full_code_key__in=on_way.values("code_key")).values_list("pk", flat=True))
        items = meant.filter(~Exists(on_way.filter(item=OuterRef("pk"))))
        if self.able.has_tiers:
            items = items.filter(Q(parent=None) | Exists(on_way.filter(item=OuterRef("parent"))))
        else:
            items = items.filter(~has_items_below())
        if type(self.adapter).validate is Adapter.validate:
            keeping = items.filter(keeps_rules(self.able, self.delimiter)).values_list("pk", flat=True)
            return [pk for pk in keeping if pk not in taken]
        asked = items.values_list("pk", "guid", "full_code", "description")
        return [pk for pk, guid, *code in asked if pk not in taken and not self._problems(guid, *code)]

    def why_they_stay(self, items: SegmentItemQuerySet) -> Iterator[Problem]:
        """A sentence for each code that `among` did not name."""
        items = items.order_by("tier", "pk")
        on_way = self._on_their_way()
        sent = {row.item_id: row for row in on_way.filter(item__in=items.order_by()).only("item_id", "status")}
        rivals = dict(
            on_way.filter(code_key__in=items.order_by().values("full_code_key")).values_list("code_key", "code")
        )
        divisions = set(items.divisions().order_by().values_list("pk", flat=True))
        above = on_way.filter(item__in=items.order_by().values("parent"))
        there = set(above.order_by().values_list("item_id", flat=True)) if self.able.has_tiers else set()
        for item in items:
            if not item.is_active:
                sentences = ["It is inactive. Reactivate it first."]
            elif item.pk in divisions and not self.able.has_tiers:
                sentences = ["It is a division: it groups codes and is not exported."]
            elif item.pk in sent:
                sentences = [f"It is sent already: {sent[item.pk].get_status_display()}."]
            else:
                sentences = self._problems(item.guid, item.full_code, item.description)
                if rival := rivals.get(item.full_code_key):
                    sentences.append(f"{rival} is sent already and reads the same. Rename one of them.")
                if self.able.has_tiers and item.parent_id and item.parent_id not in there:
                    sentences.append("It goes below its division, which is not sent. Send the division too.")
            yield Problem(item.full_code, " ".join(sentences), item.pk)

    def _on_their_way(self) -> CodeExportQuerySet:
        return CodeExport.objects.filter(connection=self.connection).exclude(status=Status.REJECTED)

    def _problems(self, guid: UUID, code: str, description: str) -> list[str]:
        reference = reference_of(guid, self.connection)
        return self.adapter.validate(CodeData(reference, code, description, split(code, self.delimiter)))


def reference_of(guid: UUID, connection: Connection) -> str:
    """The external id of an item in this connection's ERP: random, so that no other code ever gets it.

    A code that was sent keeps the reference of its row, which may be one of an older make.
    """
    return f"{connection.guid.hex}-{guid.hex}"


def reference_sql(connection: Connection) -> Combinable:
    """The same in SQL, over items."""
    guid = Replace(
        Cast("guid", TextField()), Value("-"), Value(""), output_field=TextField()
    )  # SQLite keeps it without
    return Concat(Value(f"{connection.guid.hex}-", TextField()), guid)


def keeps_rules(able: Capabilities, delimiter: str) -> Q:
    """Whether an item keeps what `Adapter.validate` asks for; descriptions are stored without blanks around them."""
    rules = ~Q(description="")
    if able.code_limit:
        rules &= Q(LessThanOrEqual(Length("full_code"), able.code_limit))
    if able.description_limit:
        rules &= Q(LessThanOrEqual(Length("description"), able.description_limit))
    names = Replace("full_code", Value(delimiter), Value("")) if able.has_tiers and delimiter else F("full_code")
    for character in able.forbidden_characters:
        rules &= Q(Exact(StrIndex(names, Value(character)), 0))
    return rules
