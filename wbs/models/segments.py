"""Segments of the budget code, and the changes of many of their items at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import F, Max, Q

from companies.audit import record, record_each
from companies.models import Company
from wbs.codes import MAX_TIERS, fold
from wbs.errors import Refused
from wbs.importing import Known, NewCode
from wbs.models.holds import Hold
from wbs.models.items import SegmentItem

PORTION = 500  # rows of one INSERT


def pk_of(actor: AbstractBaseUser | None) -> int | None:
    return actor.pk if actor else None


@dataclass(frozen=True)
class Outcome:
    """What a change of several items did; the refused ones stay as they are, each with its reason."""

    changed: int
    refused: list[tuple[SegmentItem, str]] = field(default_factory=list)


class Segment(models.Model):
    """A part of the budget code. There is one tiered segment, "Cost Code", per company."""

    COST_CODE = "Cost Code"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="segments")
    name = models.CharField(max_length=60)
    delimiter = models.CharField(max_length=1, blank=True, default="-")  # empty: codes are flat
    is_tiered = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "name"], name="one_segment_per_name")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, company: Company) -> Segment:
        """The company's cost codes; the segment is made when it is first asked for."""
        return cls.objects.get_or_create(company=company, name=cls.COST_CODE)[0]

    def lock(self) -> None:
        """Be the only one who changes the tree until the end of the transaction. SQLite has one writer anyway."""
        self.delimiter = Segment.objects.select_for_update(no_key=True).get(pk=self.pk).delimiter

    def why_not_joined(self, delimiter: str) -> str:
        """Why codes cannot be joined with the delimiter; empty when it is the segment's, or nothing is against it."""
        tiered = Q(tier__gt=1)
        against = self.items.filter(tiered | Q(code__contains=delimiter) if delimiter else tiered)
        if delimiter == self.delimiter or not against.exists():
            return ""
        joined = f"are joined with “{self.delimiter}”" if self.delimiter else "are flat"
        return f"The codes that are here {joined}. Choose that."

    def known_codes(self) -> dict[str, Known]:
        """All items by folded code, as the import needs them."""
        closed = {
            hold.item_id: f"Nothing can be put under {hold.item}. {hold.why_locked(hold.item)}"
            for hold in Hold.objects.locking().filter(item__segment=self).select_related("item", "connection")
        }
        known = {}
        for item in self.items.only("segment", "full_code", "full_code_key", "is_active"):
            why = closed.get(item.pk, "") or ("" if item.is_active else f"{item} is inactive. Reactivate it first.")
            known[item.full_code_key] = Known(item.full_code, why)
        return known

    @transaction.atomic
    def add_item(
        self, code: str, description: str, parent: SegmentItem | None, actor: AbstractBaseUser | None
    ) -> SegmentItem:
        """Add one item by hand. Raises Refused."""
        self.lock()
        item = SegmentItem(company_id=self.company_id, segment=self)
        item.place(code, parent)
        item.describe(description)
        item.save(force_insert=True)
        record(self.company, actor, "code.added", item, kind="code", label=item.full_code, new=item.description)
        return item

    @transaction.atomic
    def add_codes(self, new: Iterable[NewCode], delimiter: str, actor: AbstractBaseUser | None) -> int:
        """Add checked codes (`importing.check`), parents first, with a constant number of queries per 500 rows.

        The caller has locked the segment before it checked. Raises Refused when something was sent meanwhile.
        """
        self._join_with(delimiter, actor)
        by_tier: dict[int, list[NewCode]] = {}
        for code in new:
            by_tier.setdefault(len(code.tiers), []).append(code)
        newest = self.items.aggregate(pk=Max("pk", default=0))["pk"]
        parents = self._parents_of(code for tier in by_tier.values() for code in tier)
        added: list[SegmentItem] = []
        for tier in sorted(by_tier):
            items = [self._imported(code, parents) for code in by_tier[tier]]
            added += SegmentItem.objects.bulk_create(items, batch_size=PORTION)
            parents |= {item.full_code_key: item for item in items}
        imported = self.items.filter(pk__gt=newest)
        record_each(imported, pk_of(actor), "code.imported", kind="code", label="full_code", new=F("description"))
        return len(added)

    def _join_with(self, delimiter: str, actor: AbstractBaseUser | None) -> None:
        if why := self.why_not_joined(delimiter):
            raise Refused(why, "delimiter")
        if delimiter != self.delimiter:
            Segment.objects.filter(pk=self.pk).update(delimiter=delimiter)
            record(self.company, actor, "segment.changed", self, old=self.delimiter, new=delimiter)
            self.delimiter = delimiter

    def _parents_of(self, new: Iterable[NewCode]) -> dict[str, SegmentItem]:
        """The items under which new codes are put, by folded code; their rows are locked against being sent."""
        keys = {fold(self.delimiter.join(code.tiers[:-1])) for code in new if len(code.tiers) > 1}
        parents = {item.full_code_key: item for item in self.items.filter(full_code_key__in=keys).hold_rows()}
        for parent in parents.values():
            if why := parent.why_locked():
                raise Refused(f"Nothing can be put under {parent}. {why}")
        return parents

    def _imported(self, new: NewCode, parents: Mapping[str, SegmentItem]) -> SegmentItem:
        item = SegmentItem(company_id=self.company_id, segment=self, is_active=new.is_active)
        if len(new.tiers) > 1:
            item.parent = parents[fold(self.delimiter.join(new.tiers[:-1]))]
        item.set_code(new.tiers[-1])
        item.description, item.description_key = new.description, fold(new.description)
        return item

    @transaction.atomic
    def set_active(self, ids: Iterable[int], is_active: bool, actor: AbstractBaseUser | None) -> Outcome:
        """Deactivate items, or take them into use again. What is sent cannot be deactivated before it is recalled."""
        refused: list[tuple[SegmentItem, str]] = []
        turned: list[SegmentItem] = []
        for item in self.items.filter(pk__in=ids).hold_rows():
            why = "" if is_active else item.why_locked(Hold.Lock.ALL)
            if why:
                refused.append((item, why))
            elif item.is_active != is_active:
                turned.append(item)
        rows = self.items.filter(pk__in=[item.pk for item in turned])
        rows.update(is_active=is_active)
        action = "code.reactivated" if is_active else "code.deactivated"
        record_each(rows, pk_of(actor), action, kind="code", label="full_code")
        return Outcome(len(turned), refused)

    @transaction.atomic
    def delete_items(self, ids: Iterable[int], actor: AbstractBaseUser | None) -> Outcome:
        """Delete items that were never sent and have nothing below them, except what is deleted with them."""
        self.lock()
        items = self.items.filter(pk__in=ids).hold_rows()
        kept_below = self.items.filter(parent__in=items).exclude(pk__in=[item.pk for item in items])
        kept_parents = set(kept_below.values_list("parent", flat=True))
        doomed: list[SegmentItem] = []
        refused: list[tuple[SegmentItem, str]] = []
        for item in sorted(items, key=lambda item: -item.tier):
            if why := item.why_kept(kept_parents):
                refused.append((item, why))
                kept_parents.add(item.parent_id)
            else:
                doomed.append(item)
        rows = self.items.filter(pk__in=[item.pk for item in doomed])
        record_each(rows, pk_of(actor), "code.deleted", kind="code", label="full_code", old=F("description"))
        for tier in range(MAX_TIERS, 0, -1):  # what lies below goes first
            rows.filter(tier=tier).delete()
        return Outcome(len(doomed), refused)
