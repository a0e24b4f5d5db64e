"""Segments of the budget code, and the changes of many of their items at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import F, Max, Q
from django.utils.text import slugify

from companies.audit import record, record_each
from companies.models import Company
from core.bulk import PORTION, insert_values
from wbs import codes
from wbs.codes import MAX_TIERS, clean, code_key, fold, order_key
from wbs.errors import Refused
from wbs.lists.checking import Known, NewCode
from wbs.models.default_accounts import DefaultAccounts
from wbs.models.holds import Hold
from wbs.models.items import SegmentItem, SegmentItemQuerySet

Parents = dict[str, tuple[int, str]]  # by the key of the code: its id and how it is spelled
_PARENT = ("full_code_key", "pk", "full_code")
Ids = Iterable[int] | models.QuerySet[Any]  # of items; a query of them where there may be very many


def _has(delimiter: str) -> Q:
    """The condition that codes contain it, or what reads like it."""
    return Q(code__contains=delimiter) | Q(full_code_key__contains=delimiter)


def pk_of(actor: AbstractBaseUser | None) -> int | None:
    return actor.pk if actor else None


@dataclass(frozen=True)
class Outcome:
    """What a change of several items did; the refused ones stay as they are, the first of them with their reasons."""

    REASONS: ClassVar = 500

    changed: int
    refused: list[tuple[SegmentItem, str]]
    refused_count: int

    @classmethod
    def of(cls, changed: int, kept: SegmentItemQuerySet, why: Callable[[SegmentItem], str]) -> Outcome:
        first = kept.prefetch_related("holds__connection")[: cls.REASONS]
        refused = [(item, why(item)) for item in first]
        count = len(refused) if len(refused) < cls.REASONS else kept.count()
        return cls(changed, refused, count)


class Segment(models.Model):
    """A part of the budget code: "Cost Code", which alone has tiers and goes to ERPs; two flat ones; custom ones."""

    COST_CODE, COST_TYPE, SUB_JOB = "Cost Code", "Cost Type", "Sub Job"
    STANDARD = {"cost-codes": COST_CODE, "cost-types": COST_TYPE, "sub-jobs": SUB_JOB}  # by slug
    RESERVED = ("add", "budget-code")  # addresses beside those of segments
    MAX_CUSTOM = 10

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="segments")
    name = models.CharField(max_length=codes.MAX_NAME)
    slug = models.SlugField(max_length=60, default="cost-codes", db_index=False)  # its address
    delimiter = models.CharField(max_length=1, blank=True, default="-")  # empty: codes are flat
    is_tiered = models.BooleanField(default=True)  # else flat for ever, whatever a list says

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "name"], name="one_segment_per_name"),
            models.UniqueConstraint(fields=["company", "slug"], name="one_segment_per_slug"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, company: Company, slug: str = "cost-codes") -> Segment:
        """One segment of the company; a standard one is made when it is first asked for. Raises DoesNotExist."""
        if name := cls.STANDARD.get(slug):
            flat = {} if name == cls.COST_CODE else {"delimiter": "", "is_tiered": False}
            segment, _ = cls.objects.get_or_create(company=company, name=name, defaults={"slug": slug, **flat})
        else:
            segment = cls.objects.get(company=company, slug=slug)
        segment.company = company
        return segment

    @classmethod
    def all_of(cls, company: Company) -> list[Segment]:
        """All segments of the company, the standard ones first."""
        found = {segment.slug: segment for segment in cls.objects.filter(company=company).order_by("pk")}
        standard = [found.pop(slug, None) or cls.of(company, slug) for slug in cls.STANDARD]
        return [*standard, *found.values()]

    @classmethod
    @transaction.atomic
    def add(cls, company: Company, name: str, actor: AbstractBaseUser | None) -> Segment:
        """Add a custom segment, which is flat. Raises Refused."""
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)
        name, present = clean(name), cls.all_of(company)
        if problem := codes.name_problem(name):
            raise Refused(problem, "name")
        if twin := next(
            (segment for segment in present if fold(name) in {fold(segment.name), fold(segment.plural)}),
            None,
        ):
            raise Refused(f"There is a segment {twin} already.", "name")
        if len(present) - len(cls.STANDARD) >= cls.MAX_CUSTOM:
            raise Refused(f"There are {cls.MAX_CUSTOM} custom segments already. Delete one that has no codes.", "name")
        slug = cls._free_slug(name, {segment.slug for segment in present})
        segment = cls.objects.create(company=company, name=name, slug=slug, delimiter="", is_tiered=False)
        record(company, actor, "segment.added", segment, new=name)
        return segment

    @classmethod
    def _free_slug(cls, name: str, taken: set[str]) -> str:
        wanted = slugify(name)[:50] or "segment"
        tries = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
        return next(slug for slug in tries if slug not in taken and slug not in cls.RESERVED)

    @property
    def is_custom(self) -> bool:
        return self.slug not in self.STANDARD

    @property
    def goes_to_erp(self) -> bool:
        return self.slug == "cost-codes"

    @property
    def plural(self) -> str:
        """What its page is called."""
        return self.name if self.is_custom else f"{self.name}s"

    @property
    def noun(self) -> str:
        """What one of its items is called."""
        return f"{self.name} code" if self.is_custom else self.name.lower()

    @transaction.atomic
    def remove(self, actor: AbstractBaseUser | None) -> None:
        """Delete a custom segment without codes. Raises Refused."""
        self.lock()
        if not self.is_custom:
            raise Refused(f"{self} belongs to every company and stays.")
        if self.items.exists():
            raise Refused(f"{self} has codes. Delete those first.")
        record(self.company, actor, "segment.deleted", self, old=self.name)
        self.delete()

    def lock(self) -> None:
        """Be the only one who changes the tree until the end of the transaction. SQLite has one writer anyway."""
        self.delimiter = Segment.objects.select_for_update(no_key=True).get(pk=self.pk).delimiter

    def why_not_joined(self, delimiter: str) -> str:
        """Why codes cannot be joined with the delimiter; empty when it is the segment's, or nothing is against it."""
        tiered = Q(tier__gt=1)
        against = self.items.filter(tiered | _has(delimiter) if delimiter else tiered)
        if delimiter == self.delimiter or not against.exists():
            return ""
        joined = f"are joined with “{self.delimiter}”" if self.delimiter else "are flat"
        return f"The codes that are here {joined}. Choose that."

    def known_codes(self) -> dict[str, Known]:
        """All items by the keys of their codes, as the import needs them."""
        closed, locked, synced = {}, {}, set()
        for hold in Hold.objects.locking().filter(item__segment=self).select_related("item", "connection"):
            why = hold.why_locked(hold.item)
            closed[hold.item_id] = f"Nothing can be put under {hold.item}. {why}"
            if hold.lock >= Hold.Lock.ALL:
                locked[hold.item_id] = why
            else:
                synced.add(hold.item_id)
        fields = ("full_code_key", "full_code", "pk", "description", "is_active", "version")
        known = {}
        for key, code, pk, description, is_active, version in self.items.order_by().values_list(*fields):
            why = closed.get(pk, "") or ("" if is_active else f"{code} is inactive. Reactivate it first.")
            known[key] = Known(code, why, pk, description, is_active, version, locked.get(pk, ""), pk in synced)
        return known

    def with_accounts(self, known: Mapping[str, Known]) -> dict[str, Known]:
        """The same with the default accounts that the codes have of their own."""
        rows = DefaultAccounts.objects.filter(item__segment=self, connection__company=self.company_id)
        found: dict[int, list[tuple[int, int | None, int | None]]] = {}
        for pk, *accounts in rows.values_list("item_id", "connection_id", "income_account_id", "expense_account_id"):
            found.setdefault(pk, []).append((accounts[0], accounts[1], accounts[2]))
        return {key: each._replace(accounts=tuple(found.get(each.pk, ()))) for key, each in known.items()}

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
        """Add checked codes (`lists.checking`), parents first, with a constant number of queries per 5,000 rows.

        The caller has locked the segment before it checked. Raises Refused when something was sent meanwhile.
        """
        self.join_with(delimiter, actor)
        by_tier: dict[int, list[NewCode]] = {}
        for code in new:
            by_tier.setdefault(len(code.tiers), []).append(code)
        newest = self.newest_item()
        imported = self.items.filter(pk__gt=newest)
        parents = self._parents_of(code for tier in by_tier.values() for code in tier)
        for tier in sorted(by_tier):
            parents |= {key: (pk, code) for key, pk, code in imported.filter(tier=tier - 1).values_list(*_PARENT)}
            for start in range(0, len(by_tier[tier]), PORTION):  # the rows of all at once would take much memory
                part = by_tier[tier][start : start + PORTION]
                insert_values(SegmentItem, [self._imported(code, parents) for code in part])
        record_each(imported, pk_of(actor), "code.imported", kind="code", label="full_code", new=F("description"))
        return sum(map(len, by_tier.values()))

    def newest_item(self) -> int:
        """The id of the youngest item; 0 when there is none."""
        return int(self.items.aggregate(pk=Max("pk", default=0))["pk"])

    def join_with(self, delimiter: str, actor: AbstractBaseUser | None) -> None:
        """Make it the delimiter of the codes. Raises Refused."""
        if why := self.why_not_joined(delimiter):
            raise Refused(why, "delimiter")
        if delimiter != self.delimiter:
            Segment.objects.filter(pk=self.pk).update(delimiter=delimiter)
            record(self.company, actor, "segment.changed", self, old=self.delimiter, new=delimiter)
            self.delimiter = delimiter

    def _parents_of(self, new: Iterable[NewCode]) -> Parents:
        """The items under which new codes are put, by the keys of their codes; their rows are locked."""
        above = {code.tiers[:-1] for code in new if len(code.tiers) > 1}
        keys = {code_key(self.delimiter.join(tiers)) for tiers in above}
        parents = self.items.filter(full_code_key__in=keys).hold_rows()
        for parent in parents:
            if why := parent.why_locked():
                raise Refused(f"Nothing can be put under {parent}. {why}")
        return {parent.full_code_key: (parent.pk, parent.full_code) for parent in parents}

    def _imported(self, new: NewCode, parents: Parents) -> dict[str, Any]:
        """A new code's row by column; what follows from it and from its parent, as `SegmentItem.set_code` has it."""
        code, above, parent_id, delimiter = new.tiers[-1], "", None, self.delimiter
        if len(new.tiers) > 1:
            parent_id, above = parents[code_key(delimiter.join(new.tiers[:-1]))]
        full_code = f"{above}{delimiter}{code}" if above else code
        return {
            "company_id": self.company_id,
            "segment_id": self.pk,
            "parent_id": parent_id,
            "code": code,
            "description": new.description,
            "description_key": fold(new.description),
            "full_code": full_code,
            "full_code_key": code_key(full_code),
            "sort_key": order_key(codes.split(full_code, delimiter)),
            "tier": len(new.tiers),
            "is_active": new.is_active,
            "version": 1,
            "guid": uuid4().hex,
        }

    @transaction.atomic
    def set_active(self, ids: Ids, is_active: bool, actor: AbstractBaseUser | None) -> Outcome:
        """Deactivate items, or take them into use again. What is sent cannot be deactivated before it is recalled."""
        meant = self.items.filter(pk__in=ids)
        meant.wait_for_rows()
        held = SegmentItem.objects.none() if is_active else meant.held(Hold.Lock.ALL)
        rows = meant.filter(is_active=not is_active).exclude(pk__in=held.values("pk"))
        action = "code.reactivated" if is_active else "code.deactivated"
        record_each(rows, pk_of(actor), action, kind="code", label="full_code")
        return Outcome.of(rows.update(is_active=is_active), held, lambda item: item.why_locked(Hold.Lock.ALL))

    @transaction.atomic
    def delete_items(self, ids: Ids, actor: AbstractBaseUser | None) -> Outcome:
        """Delete items that were never sent, are on no project and have nothing below them but what goes with them."""
        self.lock()
        meant = self.items.filter(pk__in=ids)
        meant.wait_for_rows()
        deleted = 0
        for tier in range(MAX_TIERS, 0, -1):  # what lies below goes first
            rows = meant.filter(tier=tier, holds=None, project_codes=None).without_items_below()
            record_each(rows, pk_of(actor), "code.deleted", kind="code", label="full_code", old=F("description"))
            deleted += rows.delete()[1].get(SegmentItem._meta.label, 0)  # default accounts go with them
        return Outcome.of(deleted, meant.with_project(), SegmentItem.why_kept)
