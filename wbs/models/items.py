"""Items of segments: a cost code is an item of the tiered segment "Cost Code"."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import F, Max, Q, Value
from django.db.models.functions import Concat, Left, Length, Now, Substr
from django.db.models.lookups import IsNull

from companies.audit import record
from companies.models import Company
from wbs import codes
from wbs.codes import MAX_TIERS, clean, code_key, fold, order_key
from wbs.errors import Conflict, Refused
from wbs.models.holds import Hold
from wbs.searching import contains


def has_items_below() -> models.Exists:
    """The condition that an item is a division."""
    return models.Exists(_below())


def _below() -> SegmentItemQuerySet:
    return SegmentItem.objects.filter(parent=models.OuterRef("pk"))


class SegmentItemQuerySet(models.QuerySet["SegmentItem"]):
    def with_is_division(self) -> SegmentItemQuerySet:
        """Annotate `is_division`: whether items lie below. For a page of items: it is looked up for each of them.

        PostgreSQL would answer Exists by reading the whole table first, however few the rows.
        """
        return self.annotate(is_division=IsNull(models.Subquery(_below().values("pk")[:1]), False))

    def cost_codes(self) -> SegmentItemQuerySet:
        """Those that can go to an ERP: items of the segment "Cost Code" alone."""
        return self.filter(segment__slug="cost-codes")

    def usable(self) -> SegmentItemQuerySet:
        """Cost codes that projects can use: active ones that are no division."""
        return self.cost_codes().filter(is_active=True).without_items_below()

    def with_project(self) -> SegmentItemQuerySet:
        """Annotate `used_on`: the first project that uses the item, or None."""
        project = "project_codes__project"
        uses = SegmentItem.objects.filter(pk=models.OuterRef("pk"), project_codes__isnull=False)
        first = uses.order_by(f"{project}__sort_key", f"{project}__pk").values(f"{project}__number")[:1]
        return self.annotate(used_on=models.Subquery(first))

    def matching(self, text: str) -> SegmentItemQuerySet:
        """Items whose code or description contains the text, whatever the case; codes that read like it, too."""
        return self.filter(contains("full_code_key", text))

    def first_to_use(self) -> str:
        """The first active code that is no division; empty when there is none."""
        usable = self.filter(is_active=True).without_items_below()
        return usable.values_list("full_code", flat=True).first() or ""

    def divisions(self) -> SegmentItemQuerySet:
        return self.filter(has_items_below())

    def without_items_below(self) -> SegmentItemQuerySet:
        return self.filter(~has_items_below())

    def held(self, lock: Hold.Lock) -> SegmentItemQuerySet:
        """Items that some connection locks so far."""
        return self.filter(pk__in=Hold.objects.filter(lock=lock).values("item"))

    def unfolded(self, is_all: bool, exceptions: Iterable[int]) -> SegmentItemQuerySet:
        """Items of one segment that can be seen with all divisions collapsed (or none), but for the exceptions."""
        divisions = self.filter(pk__in=exceptions).select_related("segment").order_by("tier")
        if not is_all:
            hidden = (Q(full_code_key__startswith=each.full_code_key + each.segment.delimiter) for each in divisions)
            return self.exclude(reduce(or_, hidden, Q(pk__in=())))
        opened: set[int] = set()
        for each in divisions:  # one below a collapsed one shows nothing
            if each.parent_id is None or each.parent_id in opened:
                opened.add(each.pk)
        return self.filter(Q(parent=None) | Q(parent__in=opened))

    def locked(self) -> SegmentItemQuerySet:
        """Items that are sent to an ERP or are in one."""
        return self.filter(pk__in=Hold.objects.locking().values("item"))

    def offered_as_parent(self) -> SegmentItemQuerySet:
        """Divisions and codes of the top tier under which something may be added."""
        usable = self.filter(is_active=True, tier__lt=MAX_TIERS).exclude(
            pk__in=self.model.objects.locked().values("pk")
        )
        return usable.filter(has_items_below() | Q(tier=1))

    def wait_for_rows(self) -> None:
        """Lock the rows of these items until the end of the transaction: a code that is being sent is waited for."""
        list(self.select_for_update(of=("self",)).order_by("pk").values_list("pk"))

    def hold_rows(self) -> list[SegmentItem]:
        """These items, their rows locked until the end of the transaction: a code that is being sent is waited for.

        Holds are read afterwards, by a query of its own, and so are the ones of that moment.
        """
        return list(self.select_for_update(of=("self",)).order_by("pk").prefetch_related("holds__connection"))


class SegmentItem(models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="segment_items")
    segment = models.ForeignKey("Segment", on_delete=models.CASCADE, related_name="items")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    code = models.CharField(max_length=codes.MAX_CODE)  # of this tier: "100"
    description = models.CharField(max_length=codes.MAX_DESCRIPTION)
    description_key = models.CharField(max_length=codes.MAX_DESCRIPTION_KEY, editable=False)  # folded, for search
    full_code = models.CharField(max_length=codes.MAX_FULL_CODE)  # all tiers joined: "01-100"
    full_code_key = models.CharField(
        max_length=codes.MAX_FULL_CODE_KEY, editable=False
    )  # of the tiers, joined; see set_code
    sort_key = models.CharField(max_length=codes.MAX_SORT_KEY, editable=False)  # natural order, parents first
    tier = models.PositiveSmallIntegerField(default=1)  # 1 is the top
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)  # rises with every change of code or description
    guid = models.UUIDField(default=uuid4, unique=True, editable=False)  # by which ERPs know it; an id may come again
    created_at = models.DateTimeField(db_default=Now())

    used_on: str | None  # annotated by `with_project`

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
        return codes.split(self.full_code, self.segment.delimiter)

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

    def why_kept(self) -> str:
        """Why the item was not deleted with others; it was read `with_project`."""
        if hold := next(iter(self.holds.all()), None):
            return f"{self} was sent to {hold.connection} and belongs to its history. Deactivate it instead."
        if number := self.used_on:
            return f"{self} is used on the project {number}. Remove it there first, or deactivate it."
        return f"{self} has codes below it. Delete those first."

    def describe(self, description: str) -> None:
        """Give the item its description; nothing is saved. Raises Refused."""
        self.description = clean(description)
        if problem := codes.description_problem(self.description):
            raise Refused(problem, "description")
        self.description_key = fold(self.description)

    def set_code(self, code: str) -> None:
        """Set the code and all that follows from it and from the parent, whose spelling counts.

        And whose key: it is not always that of its code (migration 0012), and what lies below is found by it.
        """
        self.code, self.tier = code, self.parent.tier + 1 if self.parent else 1
        self.full_code = f"{self.parent}{self.segment.delimiter}{code}" if self.parent else code
        above = f"{self.parent.full_code_key}{self.segment.delimiter}" if self.parent else ""
        self.full_code_key, self.sort_key = above + code_key(code), order_key(self.tiers)

    def place(self, code: str, parent: SegmentItem | None) -> None:
        """Give the item its code and its place in the tree; nothing is saved. Raises Refused."""
        if not self._state.adding and (clean(code), parent and parent.pk) == (self.code, self.parent_id):
            return  # as it was, also where it reads like another since before that was refused
        delimiter = self.segment.delimiter
        self.parent = self._checked_parent(parent) if parent else None
        self.set_code(clean(code))
        if problem := codes.code_problem(self.code, delimiter) or self._full_code_problem():
            raise Refused(problem, "code")
        twins = self.segment.items.filter(full_code_key=self.full_code_key).exclude(pk=self.pk)
        if twin := twins.first():
            raise Refused(f"{twin} exists already: “{twin.description}”.", "code")

    def _full_code_problem(self) -> str:
        return codes.full_code_problem(self.full_code, self.full_code_key)

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
        new.segment = self.segment
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
        longest = {name: Max(Length(name)) for name in ROOM}  # a key has fewer characters than its code, or more
        lowest = self.below().aggregate(tier=Max("tier"), **longest)
        if lowest["tier"] is None:
            return
        if lowest["tier"] + new.tier - self.tier > MAX_TIERS:
            raise Refused(f"What lies below {self} would get more than {MAX_TIERS} tiers.", "parent")
        more = {name: len(getattr(new, name)) - len(getattr(self, name)) for name in ROOM}
        if any(lowest[name] + more[name] > room for name, room in ROOM.items()):
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


ROOM = {"full_code": codes.MAX_FULL_CODE, "full_code_key": codes.MAX_FULL_CODE_KEY}
CHANGEABLE = (
    *("code", "parent_id", "full_code", "full_code_key", "sort_key", "tier"),
    *("description", "description_key", "version"),
)
