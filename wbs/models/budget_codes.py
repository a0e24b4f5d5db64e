"""How a company's budget codes are put together from the codes of its segments: `01-100.L`."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction

from companies.audit import record
from companies.models import Company
from wbs.errors import Refused
from wbs.models.segments import Segment

SAMPLES = {Segment.COST_CODE: "01-100", Segment.COST_TYPE: "L", Segment.SUB_JOB: "A"}


class BudgetCode(models.Model):
    """The pattern: which segments, in which order, joined by what. Until someone sets it, cost code and cost type."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, primary_key=True, related_name="budget_code")
    delimiter = models.CharField(max_length=1, default=".")
    order = models.JSONField(default=list)  # primary keys of segments; one that was deleted is passed over

    def __str__(self) -> str:
        return f"Budget code of {self.company}"

    @classmethod
    def of(cls, company: Company, segments: Sequence[Segment]) -> BudgetCode:
        """The company's pattern as it is saved, or the one that holds until then."""
        standard = [segment.pk for segment in segments if segment.name in (Segment.COST_CODE, Segment.COST_TYPE)]
        return cls.objects.filter(company=company).first() or cls(company=company, order=standard)

    def chosen(self, segments: Sequence[Segment]) -> list[Segment]:
        """The segments of the pattern, in its order."""
        by_pk = {segment.pk: segment for segment in segments}
        return [by_pk[pk] for pk in self.order if pk in by_pk]

    def pattern(self, segments: Sequence[Segment]) -> str:
        return self.delimiter.join(segment.name for segment in self.chosen(segments))

    def example(self, segments: Sequence[Segment]) -> str:
        """A budget code made of the first code of each segment, or of one that might be there."""
        return self.delimiter.join(
            segment.items.first_to_use() or SAMPLES.get(segment.name, "1") for segment in self.chosen(segments)
        )

    @transaction.atomic
    def change(
        self, segments: Sequence[Segment], order: Sequence[Segment], delimiter: str, actor: AbstractBaseUser | None
    ) -> None:
        """Raises Refused."""
        if not any(segment.name == Segment.COST_CODE for segment in order):
            raise Refused(f"{Segment.COST_CODE} is part of every budget code. Give it a place.")
        old = self.pattern(segments)
        self.order, self.delimiter = [segment.pk for segment in order], delimiter
        if (new := self.pattern(segments)) != old:
            BudgetCode.objects.update_or_create(
                company=self.company, defaults={"order": self.order, "delimiter": delimiter}
            )
            record(self.company, actor, "budgetcode.changed", self, label="Budget code", old=old, new=new)
