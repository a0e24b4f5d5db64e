"""Projects, and which of the company's cost codes each of them uses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Value
from django.db.models.functions import Now

from companies.audit import record
from companies.models import Company
from erp_integrations.models import Connection
from erp_integrations.supported import why_not
from wbs import codes
from wbs.codes import clean, code_key, fold, natural_key
from wbs.errors import Conflict, Refused
from wbs.models.items import SegmentItem, SegmentItemQuerySet
from wbs.models.segments import Ids, Segment

TOLD = 5  # codes that the audit trail names; of more it tells how many


class ProjectQuerySet(models.QuerySet["Project"]):
    def with_connection(self) -> ProjectQuerySet:
        """Read the connection with it, without its secrets."""
        return self.select_related("connection").defer("connection__credentials")

    def integrated(self) -> ProjectQuerySet:
        """Projects whose costs go to an ERP."""
        return self.exclude(connection=None)

    def matching(self, text: str) -> ProjectQuerySet:
        """Projects whose number or name contains the text, whatever the case."""
        return self.filter(search_key__contains=fold(text)) if fold(text) else self

    def that_use(self, item: SegmentItem) -> ProjectQuerySet:
        return self.filter(Exists(ProjectCode.objects.filter(project=OuterRef("pk"), item=item)))

    def missing(self, item: SegmentItem) -> ProjectQuerySet:
        """Integrated projects of its company that lack the code, or something below it if it is a division."""
        wanted = SegmentItem.objects.filter(pk=item.pk) | item.below()
        here = ProjectCode.objects.filter(project=OuterRef(OuterRef("pk")), item=OuterRef("pk"))
        lacking = wanted.usable().order_by().filter(~Exists(here))
        return self.integrated().filter(Exists(lacking), company=item.company_id)

    def with_counts(self) -> ProjectQuerySet:
        """Annotate `count`, the codes it uses, and `used`, those among them that a new project would be offered."""
        counted = ProjectCode.objects.filter(project=OuterRef("pk")).order_by().values("project")
        below = SegmentItem.objects.filter(parent=OuterRef("item"))
        return self.annotate(count=_number(counted), used=_number(counted.filter(~Exists(below), item__is_active=True)))


def _number(rows: models.QuerySet[ProjectCode, Any]) -> models.functions.Coalesce:
    counted = models.Subquery(rows.annotate(number=Count("pk")).values("number"))
    return models.functions.Coalesce(counted, 0)


class Project(models.Model):
    """A project; with a connection it is integrated: its codes are those that this ERP can hold."""

    MAX_NUMBER, MAX_NAME = 40, 100

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="projects")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, null=True, related_name="projects")
    number = models.CharField(max_length=MAX_NUMBER)
    number_key = models.CharField(max_length=3 * MAX_NUMBER, editable=False)  # folded: a letter may become three
    name = models.CharField(max_length=MAX_NAME)
    search_key = models.CharField(max_length=3 * (MAX_NUMBER + 1 + MAX_NAME), editable=False)  # number and name, folded
    sort_key = models.CharField(max_length=10 * MAX_NUMBER, editable=False)  # natural order of numbers
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    count: int  # annotated by `with_counts`, as is the next
    used: int

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [models.UniqueConstraint(fields=["company", "number_key"], name="one_project_per_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @classmethod
    @transaction.atomic
    def add(
        cls, company: Company, number: str, name: str, connection: Connection | None, actor: AbstractBaseUser | None
    ) -> Project:
        """Raises Refused."""
        values = cls._checked(number, name)
        key = values.pop("number_key")
        project, is_new = cls.objects.get_or_create(
            company=company, number_key=key, defaults={**values, "connection": connection}
        )
        if not is_new:
            raise Refused(project.why_taken, "number")
        record(company, actor, "project.added", project, new=project.summary)
        return project

    @property
    def why_taken(self) -> str:
        return f"There is a project {self.number} already: “{self.name}”."

    @property
    def summary(self) -> str:
        """Everything that can be edited, as the audit trail keeps it."""
        return f"{self}, {self.connection}" if self.connection else f"{self}, not integrated"

    @classmethod
    def _checked(cls, number: str, name: str) -> dict[str, str]:
        """The fields that follow from number and name. Raises Refused."""
        number, name = clean(number), clean(name)
        if problem := codes.short_text_problem("number", number, cls.MAX_NUMBER):
            raise Refused(problem, "number")
        if problem := codes.short_text_problem("name", name, cls.MAX_NAME):
            raise Refused(problem, "name")
        return {
            "number": number,
            "number_key": fold(number),
            "name": name,
            "search_key": fold(f"{number} {name}"),
            "sort_key": natural_key(number),
        }

    @transaction.atomic
    def change(
        self, number: str, name: str, connection: Connection | None, version: int, actor: AbstractBaseUser | None
    ) -> Project:
        """Change the project as it was read at `version`. Raises Refused, or Conflict when someone else was first."""
        values = self._checked(number, name)
        old = self.summary
        why = why_not(connection, "has_project_codes") if self._lock().connection != connection else ""
        if why and (count := self.own_codes.count()):
            raise Refused(f"{why} This one has {count:,}: remove them first.", "connection")
        mine = Project.objects.filter(pk=self.pk, version=version)
        try:
            with transaction.atomic():
                changed = mine.update(**values, connection=connection, version=F("version") + 1)
        except IntegrityError:
            twin = Project.objects.get(company=self.company_id, number_key=values["number_key"])
            raise Refused(twin.why_taken, "number") from None
        if not changed:
            raise Conflict(None)
        new = Project.objects.with_connection().get(pk=self.pk)
        if new.summary != old:
            record(self.company, actor, "project.changed", new, old=old, new=new.summary)
        return new

    def _lock(self) -> Project:
        """The project as it is now; nobody else changes it until the end of the transaction."""
        return Project.objects.select_for_update(of=("self",)).with_connection().get(pk=self.pk)

    @transaction.atomic
    def add_own_code(self, code: str, description: str, actor: AbstractBaseUser | None) -> OwnCode:
        """Add a code that this project alone has. Raises Refused, also where its ERP keeps one list for all."""
        if why := why_not(self._lock().connection, "has_project_codes"):
            raise Refused(why)
        code, description = clean(code), clean(description)
        if problem := codes.code_problem(code, ""):
            raise Refused(problem, "code")
        if problem := codes.description_problem(description):
            raise Refused(problem, "description")
        if twin := Segment.of(self.company).items.filter(full_code_key=code_key(code)).first():
            raise Refused(f"{twin} is a code of the company: “{twin.description}”. Add it from there.", "code")
        values = {"code": code, "description": description, "sort_key": natural_key(code)[: codes.MAX_SORT_KEY]}
        own, is_new = self.own_codes.get_or_create(code_key=code_key(code), defaults=values)
        if not is_new:
            raise Refused(f"{own} exists already: “{own.description}”.", "code")
        record(self.company, actor, "project.own_code_added", self, new=f"{code} {description}")
        return own

    @transaction.atomic
    def remove_own_code(self, own: OwnCode, actor: AbstractBaseUser | None) -> bool:
        """False: it was gone already."""
        gone = self.own_codes.filter(pk=own.pk).delete()[0] == 1
        if gone:
            record(self.company, actor, "project.own_code_removed", self, old=f"{own} {own.description}")
        return gone

    def items(self) -> SegmentItemQuerySet:
        """The company's codes that the project uses."""
        return SegmentItem.objects.filter(project_codes__project=self)

    def usable_items(self) -> SegmentItemQuerySet:
        """The company's codes that it could use: active ones that are no division."""
        return SegmentItem.objects.usable().filter(company=self.company_id)

    def missing_items(self) -> SegmentItemQuerySet:
        """Those that could be added."""
        here = ProjectCode.objects.filter(project=self, item=OuterRef("pk"))
        return self.usable_items().filter(~Exists(here))

    @transaction.atomic
    def add_codes(self, items: SegmentItemQuerySet, actor: AbstractBaseUser | None) -> int:
        """Add those of the items that are missing, divisions by what lies below them; how many that were.

        One INSERT ... SELECT, however many there are. The constraint, not the SELECT, leaves out what is here already:
        PostgreSQL would look through the rows that it is just inserting, once for each.
        """
        Segment.of(self.company).lock()  # none of them is deleted meanwhile, or becomes a division
        ids = items.order_by().values("pk")
        names = list(self.missing_items().filter(pk__in=ids).values_list("full_code", flat=True)[:TOLD])
        number = ProjectCode.objects.insert_from(self, self.usable_items().filter(pk__in=ids))
        self._record(actor, "project.codes_added", number, names)
        return number

    @transaction.atomic
    def remove_codes(self, ids: Ids, actor: AbstractBaseUser | None) -> int:
        """Take codes out of the project; how many that were. They stay in the company's list."""
        rows = ProjectCode.objects.filter(project=self, item__in=ids)
        in_order = rows.order_by("item__sort_key").values_list("item__full_code", flat=True)
        names = list(in_order[:TOLD])
        number = rows.delete()[0]
        self._record(actor, "project.codes_removed", number, names)
        return number

    def _record(self, actor: AbstractBaseUser | None, action: str, number: int, names: list[str]) -> None:
        if number:
            told = ", ".join(names) if number <= TOLD else f"{number:,} codes"
            record(self.company, actor, action, self, new=told)


class ProjectCodeQuerySet(models.QuerySet["ProjectCode"]):
    def insert_from(self, project: Project, items: SegmentItemQuerySet) -> int:
        """Have the project use the items, in one INSERT ... SELECT; how many it did not use before."""
        selected = items.order_by().values_list(Value(project.pk, models.BigIntegerField()), "pk")
        try:
            select, params = selected.query.sql_with_params()
        except EmptyResultSet:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {ProjectCode._meta.db_table} (project_id, item_id) {select} ON CONFLICT DO NOTHING",
                params,
            )
            return cursor.rowcount


class ProjectCode(models.Model):
    """A company code that a project uses."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="codes")
    item = models.ForeignKey(SegmentItem, on_delete=models.PROTECT, related_name="project_codes")
    added_at = models.DateTimeField(db_default=Now())

    objects = ProjectCodeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "item"], name="one_row_per_project_and_code")]

    def __str__(self) -> str:
        return f"{self.item} in {self.project}"


class OwnCode(models.Model):
    """A code that one project alone has. It is not sent to an ERP."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="own_codes")
    code = models.CharField(max_length=codes.MAX_CODE)
    code_key = models.CharField(max_length=codes.MAX_FULL_CODE_KEY, editable=False)
    description = models.CharField(max_length=codes.MAX_DESCRIPTION)
    sort_key = models.CharField(max_length=codes.MAX_SORT_KEY, editable=False)

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "code_key"], name="one_own_code_per_project")]

    def __str__(self) -> str:
        return self.code
