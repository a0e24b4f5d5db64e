"""What is sent: a cost code is an item of the company's tiered segment "Cost Code".

Whoever changes the tree holds the row of its segment until the end of the transaction (`Segment.lock`), so that two
changes never meet half-way. Against a stale page stands the item's version, against `exports` the item's own row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import F, Max, Q, Value
from django.db.models.functions import Concat, Left, Length, Now, Substr
from django.utils import timezone

from companies.audit import record, record_each
from companies.models import Company, Member
from erp_integrations.models import Connection
from wbs import codes
from wbs.codes import MAX_TIERS, clean, fold, natural_key, order_key
from wbs.errors import Conflict, Refused
from wbs.importing import Known, NewCode

__all__ = ["MAX_TIERS", "Hold", "ImportDraft", "Segment", "SegmentItem", "fold", "natural_key", "order_key"]

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


class SegmentItemQuerySet(models.QuerySet["SegmentItem"]):
    def with_is_division(self) -> SegmentItemQuerySet:
        """Annotate `is_division`: whether items lie below."""
        below = SegmentItem.objects.filter(parent=models.OuterRef("pk"))
        return self.annotate(is_division=models.Exists(below))

    def matching(self, text: str) -> SegmentItemQuerySet:
        """Items whose code or description contains the text, whatever the case."""
        key = fold(text)
        if not key:
            return self
        return self.filter(Q(full_code_key__contains=key) | Q(description_key__contains=key))

    def locked(self) -> SegmentItemQuerySet:
        """Items that are sent to an ERP or are in one."""
        return self.filter(pk__in=Hold.objects.locking().values("item"))

    def offered_as_parent(self) -> SegmentItemQuerySet:
        """Divisions and codes of the top tier under which something may be added."""
        usable = self.filter(is_active=True, tier__lt=MAX_TIERS).exclude(
            pk__in=self.model.objects.locked().values("pk")
        )
        return usable.with_is_division().filter(Q(is_division=True) | Q(tier=1))

    def hold_rows(self) -> list[SegmentItem]:
        """These items, their rows locked until the end of the transaction: a code that is being sent is waited for.

        Holds are read afterwards, by a query of its own, and so are the ones of that moment.
        """
        return list(self.select_for_update(of=("self",)).order_by("pk").prefetch_related("holds__connection"))


class SegmentItem(models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="segment_items")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="items")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    code = models.CharField(max_length=codes.MAX_CODE)  # of this tier: "100"
    description = models.CharField(max_length=codes.MAX_DESCRIPTION)
    description_key = models.CharField(max_length=codes.MAX_DESCRIPTION_KEY, editable=False)  # folded, for search
    full_code = models.CharField(max_length=codes.MAX_FULL_CODE)  # all tiers joined: "01-100"
    full_code_key = models.CharField(max_length=codes.MAX_FULL_CODE_KEY, editable=False)  # folded
    sort_key = models.CharField(max_length=codes.MAX_SORT_KEY, editable=False)  # natural order, parents first
    tier = models.PositiveSmallIntegerField(default=1)  # 1 is the top
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)  # rises with every change of code or description
    created_at = models.DateTimeField(db_default=Now())

    objects = SegmentItemQuerySet.as_manager()

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["segment", "full_code_key"], name="one_item_per_full_code"),
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=MAX_TIERS), name="tier_within_limits"),
        ]
        indexes = [models.Index(fields=["segment", "sort_key"], name="items_in_order")]

    def __str__(self) -> str:
        return self.full_code

    @property
    def tiers(self) -> tuple[str, ...]:
        return self.split(self.full_code)

    def split(self, full_code: str) -> tuple[str, ...]:
        delimiter = self.segment.delimiter
        return tuple(full_code.split(delimiter)) if delimiter else (full_code,)

    def below(self) -> SegmentItemQuerySet:
        """Everything under this item, however deep: a code cannot contain the delimiter."""
        if not self.segment.delimiter:
            return SegmentItem.objects.none()
        prefix = self.full_code_key + self.segment.delimiter
        return SegmentItem.objects.filter(segment=self.segment_id, full_code_key__startswith=prefix)

    def lock_state(self) -> Hold.Lock:
        """How far the item is locked: the highest lock over its holds."""
        return Hold.Lock(max((hold.lock for hold in self.holds.all()), default=Hold.Lock.NONE))

    def why_locked(self, lock: Hold.Lock | int = 1) -> str:
        """The sentence of the first hold that locks at least so far; empty when none does."""
        return next((hold.why_locked(self) for hold in self.holds.all() if hold.lock >= lock), "")

    def why_code_is_fixed(self) -> str:
        """Why code and place may not change: the item, or something below it, is sent or in an ERP."""
        if why := self.why_locked():
            return why
        below = self.below().locked().prefetch_related("holds__connection").first()
        return below.why_locked() if below else ""

    def why_kept(self, kept_parents: set[int | None]) -> str:
        """Why the item cannot be deleted; `kept_parents` have items below them that stay."""
        if hold := next(iter(self.holds.all()), None):
            return f"{self} was sent to {hold.connection} and belongs to its history. Deactivate it instead."
        return f"{self} has codes below it. Delete those first." if self.pk in kept_parents else ""

    def describe(self, description: str) -> None:
        """Give the item its description; nothing is saved. Raises Refused."""
        self.description = clean(description)
        if problem := codes.description_problem(self.description):
            raise Refused(problem, "description")
        self.description_key = fold(self.description)

    def set_code(self, code: str) -> None:
        """Set the code and all that follows from it and from the parent, whose spelling counts."""
        self.code, self.tier = code, self.parent.tier + 1 if self.parent else 1
        self.full_code = f"{self.parent}{self.segment.delimiter}{code}" if self.parent else code
        self.full_code_key, self.sort_key = fold(self.full_code), order_key(self.tiers)

    def place(self, code: str, parent: SegmentItem | None) -> None:
        """Give the item its code and its place in the tree; nothing is saved. Raises Refused."""
        delimiter = self.segment.delimiter
        self.parent = self._checked_parent(parent) if parent else None
        self.set_code(clean(code))
        if problem := codes.code_problem(self.code, delimiter) or codes.full_code_problem(self.full_code):
            raise Refused(problem, "code")
        twins = self.segment.items.filter(full_code_key=self.full_code_key).exclude(pk=self.pk)
        if twin := twins.first():
            raise Refused(f"{twin} exists already: “{twin.description}”.", "code")

    def _checked_parent(self, parent: SegmentItem) -> SegmentItem:
        """The parent as it is now, its row locked: it cannot be sent while something is put under it."""
        rows = self.segment.items.filter(pk=parent.pk).hold_rows()
        if not rows:
            raise Refused("That division was deleted meanwhile. Choose another.", "parent")
        if rows[0].pk != self.parent_id and (why := rows[0].why_nothing_below(self)):
            raise Refused(why, "parent")
        return rows[0]

    def why_nothing_below(self, item: SegmentItem) -> str:
        """Why the item cannot be put under this one; empty when it can."""
        if not self.segment.delimiter:
            return "These codes are flat: nothing can be put under another."
        if item.pk and (
            self.pk == item.pk or self.full_code_key.startswith(item.full_code_key + item.segment.delimiter)
        ):
            return f"{item} cannot be put under itself."
        if self.tier >= MAX_TIERS:
            return f"{self} is of tier {MAX_TIERS}, the lowest there is. Choose one above it."
        if not self.is_active:
            return f"{self} is inactive. Reactivate it first."
        why = self.why_locked()
        return f"Nothing can be put under {self}. {why}" if why else ""

    @transaction.atomic
    def change(
        self, code: str, description: str, parent: SegmentItem | None, version: int, actor: AbstractBaseUser | None
    ) -> SegmentItem:
        """Change the item as it was read at `version`; what lies below takes the new code over.

        Raises Refused, or Conflict when someone else was first.
        """
        self.segment.lock()
        old = next(iter(self.segment.items.filter(pk=self.pk).hold_rows()), None)
        if old is None or old.version != version:
            raise Conflict(old)
        new = self.segment.items.get(pk=self.pk)
        new.place(code, parent)
        new.describe(description)
        if (new.full_code, new.description) == (old.full_code, old.description):
            return old
        old.check_change(new)
        new.version = version + 1
        if not SegmentItem.objects.filter(pk=self.pk, version=version).update(
            **{n: getattr(new, n) for n in CHANGEABLE}
        ):
            raise Conflict(SegmentItem.objects.filter(pk=self.pk).first())
        old.move_below(new)
        record(self.segment.company, actor, "code.changed", new, kind="code", old=old.label, new=new.label)
        return new

    @property
    def label(self) -> str:
        return f"{self.full_code} {self.description}"

    def check_change(self, new: SegmentItem) -> None:
        """Refuse what the holds and the items below do not allow. Raises Refused."""
        if why := self.why_locked(Hold.Lock.ALL):
            raise Refused(why)
        if new.full_code == self.full_code:
            return
        list(self.below().select_for_update().order_by("pk").values_list("pk"))  # none of them is sent meanwhile
        if why := self.why_code_is_fixed():
            raise Refused(why, "code")
        lowest = self.below().aggregate(tier=Max("tier"), length=Max(Length("full_code_key")))
        if lowest["tier"] is None:
            return
        if lowest["tier"] + new.tier - self.tier > MAX_TIERS:
            raise Refused(f"What lies below {self} would get more than {MAX_TIERS} tiers.", "parent")
        if lowest["length"] + len(new.full_code_key) - len(self.full_code_key) > codes.MAX_FULL_CODE:
            raise Refused(f"Codes below {self} would get more than {codes.MAX_FULL_CODE} characters.", "code")

    def move_below(self, new: SegmentItem) -> None:
        """Put the new full code before everything below the old one: one UPDATE, however many there are."""
        if new.full_code == self.full_code:
            return

        def swapped(name: str) -> Concat:
            return Concat(Value(getattr(new, name)), Substr(name, len(getattr(self, name)) + 1))

        self.below().update(
            full_code=swapped("full_code"),
            full_code_key=swapped("full_code_key"),
            sort_key=Left(swapped("sort_key"), codes.MAX_SORT_KEY),
            tier=F("tier") + new.tier - self.tier,
            version=F("version") + 1,
        )


CHANGEABLE = (
    *("code", "parent_id", "full_code", "full_code_key", "sort_key", "tier"),
    *("description", "description_key", "version"),
)


class HoldQuerySet(models.QuerySet["Hold"]):
    def locking(self) -> HoldQuerySet:
        return self.filter(lock__gt=Hold.Lock.NONE)


class Hold(models.Model):
    """What one connection's export means for an item: how far it is locked, and the words of the column "ERP".

    Written by `exports` in its own transactions; the WBS only reads it.
    """

    class Lock(models.IntegerChoices):
        NONE = 0  # free again: rejected, recalled or unlinked
        CODE = 1  # in the ERP: code and place are fixed, the description may change
        ALL = 2  # sent: nothing may change

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="holds")
    item = models.ForeignKey(SegmentItem, on_delete=models.PROTECT, related_name="holds")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="holds")
    lock = models.PositiveSmallIntegerField(choices=Lock, default=Lock.ALL)
    word = models.CharField(max_length=60)  # "Ready to Export", "Rejected", ... as PRODUCT names them
    note = models.TextField(blank=True)  # the sentence or reason that goes with it
    item_version = models.PositiveIntegerField()  # version of the item that was sent

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "connection"], name="one_hold_per_connection")]

    def __str__(self) -> str:
        return f"{self.word}: {self.note}" if self.note else self.word

    def why_locked(self, item: SegmentItem) -> str:
        if self.lock == Hold.Lock.ALL:
            return f"{item} is sent to {self.connection} ({self.word}). Recall it, or have it rejected, first."
        return f"{item} is in {self.connection}, where its code is fixed."


class ImportDraftQuerySet(models.QuerySet["ImportDraft"]):
    def living(self) -> ImportDraftQuerySet:
        return self.filter(created_at__gt=timezone.now() - KEPT)

    def expired(self) -> ImportDraftQuerySet:
        return self.filter(created_at__lte=timezone.now() - KEPT)


KEPT = timedelta(days=1)


class ImportDraft(models.Model):
    """A list that someone uploaded and checked, kept between "Check File" and "Import"."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="import_drafts")
    name = models.CharField(max_length=255)  # of the file
    sheet = models.JSONField()  # `importing.Sheet` as plain data
    created_at = models.DateTimeField(db_default=Now())
    imported = models.PositiveIntegerField(null=True)  # codes that came of it; null: not imported yet

    objects = ImportDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
