"""The queue: one row per code and connection, and each try to get it into the ERP."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now

from companies.models import Company
from erp_integrations.base import ACCOUNT_FIELDS, MAX_REMOTE_ID, CodeData, kinds_of
from erp_integrations.models import Connection, GLAccount
from exports.models.accounts import (
    advice,
    picked_of,
    trouble,
)
from exports.models.batches import Batch
from exports.models.states import FILTERS, Cause, Drift, Status
from wbs.codes import split
from wbs.models import SegmentItem
from wbs.searching import contains

# Whether the time of a row has not come yet.
IS_PUT_OFF = Case(When(due_at__gt=Now(), then=True), default=False, output_field=models.BooleanField())


class Conflict(Exception):
    """Someone was first: the row is not what the caller saw. `row` is what it is now."""

    def __init__(self, row: CodeExport) -> None:
        super().__init__(f"{row.code} was changed meanwhile.")
        self.row = row


class Invalid(Exception):
    """The values do not fit; `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


FOR_ADAPTER = (
    *(
        "connection",
        "item",
        "reference",
        "generation",
        "request_key",
        "code",
        "description",
        "status",
        "previous_status",
        "message",
        "detail",
    ),
    *(
        "due_at",
        "tries",
        "waits",
        "lost_answers",
        "ask_first",
        "link_to",
        "link_despite",
        "lease_token",
        "absent_token",
        "remote_id",
        "receipt",
    ),
    *("drift", "erp_values", "before_update"),
)


class CodeExportQuerySet(models.QuerySet["CodeExport"]):
    def in_filter(self, name: str) -> CodeExportQuerySet:
        """Rows of one of FILTERS; KeyError for a name that is none."""
        states = FILTERS[name][1]
        return self if name == "all" else self.filter(status__in=states)

    def matching(self, text: str) -> CodeExportQuerySet:
        """Rows whose code or description contains the text, whatever the case; codes that read like it, too."""
        return self.filter(contains("code_key", text))

    def for_review(self) -> CodeExportQuerySet:
        """Rows as the review page shows them: in the natural order of codes, with accounts."""
        rows = self.select_related("income_account", "expense_account").annotate(
            is_put_off=IS_PUT_OFF, version_of_item=F("item__version")
        )
        return rows.order_by("sort_key", "id")

    def for_adapter(self) -> CodeExportQuerySet:
        """Rows with what `as_data` and the outcome of a call need, and no more; parents before children."""
        accounts = {f"{kind}_remote_id": F(f"{kind}_account__remote_id") for kind in ("income", "expense")}
        rows = self.annotate(**accounts, delimiter=F("item__segment__delimiter"))
        return rows.only(*FOR_ADAPTER).order_by("sort_key", "id")

    def due(self) -> CodeExportQuerySet:
        """Rows that wait to be sent or to be asked about, by the database's clock."""
        return self.filter(status__in=(Status.QUEUED, Status.UNKNOWN), due_at__lte=Now())


class CodeExport(models.Model):
    """The current state of one code on its way into one connection's ERP.

    Each move writes a row anew, with an entry in every index: only what is searched by has one, for the rows that are.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_index=False, related_name="code_exports")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, db_index=False, related_name="code_exports")
    item = models.ForeignKey(SegmentItem, on_delete=models.PROTECT, db_index=False, related_name="exports")
    # What was sent: the item is locked meanwhile, so these agree with it until the ERP has it.
    code = models.CharField(max_length=255)
    code_key = models.CharField(max_length=300)  # the item's, for search and collisions
    description = models.CharField(max_length=4095)
    description_key = models.CharField(max_length=4200)
    sort_key = models.CharField(max_length=1000)
    item_version = models.PositiveIntegerField()
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    sent_at = models.DateTimeField(db_default=Now())

    reference = models.CharField(max_length=100)  # the external id in the ERP; never changes
    generation = models.PositiveIntegerField(default=1)  # lives of this code between sending and reject or unlink
    # Idempotency key: made when it is claimed, the same while an outcome is uncertain, a new one after a definite
    # refusal. Random: a restored row must not be given the ERP's answer to a try that it knows nothing of.
    request_key = models.CharField(max_length=32, blank=True)

    status = models.CharField(max_length=10, choices=Status, default=Status.READY)
    previous_status = models.CharField(max_length=10, choices=Status, blank=True)  # before the last move, for Undo
    previous_message = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)  # rises with every change: the auto-save's guard
    moves = models.PositiveIntegerField(default=0)  # rises with every change of state: what a poll compares
    changed_at = models.DateTimeField(db_default=Now())  # of version
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    moved_at = models.DateTimeField(db_default=Now())  # of status
    cause = models.CharField(max_length=10, choices=Cause, blank=True)  # of REJECTED
    message = models.TextField(blank=True)  # the sentence behind "Failed: ", "Needs review: ", "Rejected: "
    detail = models.TextField(blank=True)  # the ERP's own words and code

    income_account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    expense_account = models.ForeignKey(
        GLAccount, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )

    # How each account read in the chart when it was picked: "income: 4000 Sales"; empty for none (`accounts.trouble`).
    income_picked = models.CharField(max_length=400, blank=True)
    expense_picked = models.CharField(max_length=400, blank=True)

    # Whose default filled the account in: "03", or the connection's name; empty when someone chose it.
    income_from = models.CharField(max_length=255, blank=True)
    expense_from = models.CharField(max_length=255, blank=True)

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, related_name="exports")  # the last click
    export_batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, related_name="+")  # that accepted it
    due_at = models.DateTimeField(null=True)  # QUEUED, UNKNOWN: not before this moment
    tries = models.PositiveIntegerField(default=0)  # in a row that came to nothing: of exporting, or of asking
    waits = models.PositiveIntegerField(default=0)  # that the ERP told it to wait, in a row
    lost_answers = models.PositiveIntegerField(default=0)  # exports since the last click whose answer was lost
    link_to = models.CharField(max_length=100, blank=True)  # id of the ERP's item to link, once it was read again
    link_despite = models.TextField(blank=True)  # what makes it look like another's, as the person confirmed it
    ask_first = models.BooleanField(default=False)  # ask the ERP before exporting (Retry from ATTENTION, sent again)
    lease_token = models.BigIntegerField(null=True)  # of the holder that claimed it
    absent_token = models.BigIntegerField(null=True)  # of the holder to whom the ERP said that it does not have it

    remote_id = models.CharField(max_length=MAX_REMOTE_ID, null=True)
    receipt = models.JSONField(null=True)  # what the ERP held when it was last read

    # How the ERP's item was found when all items were read last; it is compared with the receipt.
    drift = models.CharField(max_length=10, choices=Drift, blank=True)
    erp_values = models.JSONField(null=True)  # the item then, where it has changed

    # While an update of a synced code is under way: the values to go back to (`services.update`); else null.
    before_update = models.JSONField(null=True)

    # What `for_review` reads besides.
    is_put_off: bool
    version_of_item: int  # as it is in the WBS now

    # What `for_adapter` reads of other tables.
    income_remote_id: str | None
    expense_remote_id: str | None
    delimiter: str

    released: Sequence[
        str
    ] = ()  # of what `services.assign` returns: fields whose account was in trouble and is not any more

    objects = CodeExportQuerySet.as_manager()

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "connection"], name="one_export_per_item"),
            models.UniqueConstraint(fields=["connection", "reference"], name="one_export_per_reference"),
            models.UniqueConstraint(
                fields=["connection", "remote_id"],
                name="one_export_per_remote_id",
                condition=Q(remote_id__isnull=False),
            ),
            models.CheckConstraint(
                condition=~Q(status="SUCCESS") | Q(remote_id__isnull=False), name="success_has_remote_id"
            ),
            models.CheckConstraint(
                condition=Q(status="REJECTED", cause__in=Cause.values) | ~Q(status="REJECTED") & Q(cause=""),
                name="rejected_has_cause",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["QUEUED", "EXPORTING"]) | Q(income_account__isnull=False),
                name="accepted_has_income_account",
            ),
            models.CheckConstraint(
                condition=Q(before_update__isnull=True)
                | Q(status__in=["QUEUED", "EXPORTING", "UNKNOWN", "FAILED", "ATTENTION"], remote_id__isnull=False),
                name="update_has_its_item",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "status", "sort_key", "id"], name="exports_for_review"),
            models.Index(fields=["connection", "sort_key", "id"], name="exports_in_order"),
            models.Index(
                fields=["status", "due_at"], name="exports_due", condition=Q(status__in=["QUEUED", "UNKNOWN"])
            ),
            models.Index(fields=["connection"], name="exports_to_ask_about", condition=Q(ask_first=True)),
            models.Index(
                fields=["connection", "status"], name="exports_updates", condition=Q(before_update__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def accounts(self) -> str:
        """Both accounts as people read them."""
        return f"Income: {self._words('income_account')}; Expense: {self._words('expense_account')}"

    def _words(self, field: str) -> str:
        """An account as people read it; as it read when it was picked, if it changed in the ERP since."""
        account, picked = getattr(self, field), getattr(self, picked_of(field))
        if account is None or picked in ("", account.identity):
            return str(account or "none")
        return str(picked.partition(": ")[2])

    @property
    def is_update(self) -> bool:
        """Whether the ERP's item is to be given new values; else it is to be made."""
        return self.before_update is not None

    @property
    def remote_code(self) -> str:
        """The code of the ERP's item: a linked one may be written another way."""
        return str((self.receipt or {}).get("code", self.code))

    def as_data(self, request_key: str | None = None) -> CodeData:
        """The code as an adapter sees it, with the key of this try; of a row that was read with `for_adapter`."""
        return CodeData(
            reference=self.reference,
            code=self.remote_code if self.is_update else self.code,
            description=self.description,
            tiers=split(self.code, self.delimiter),
            income_account=self.income_remote_id,
            expense_account=self.expense_remote_id,
            request_key=self.request_key if request_key is None else request_key,
            remote_id=(self.remote_id or "") if self.is_update else "",
        )

    def trouble(self, field: str) -> str:
        """Why this account of the row holds it back, as the end of a sentence that begins with it; empty if nothing."""
        return trouble(field, getattr(self, field), getattr(self, picked_of(field)), self.connection.capabilities)

    @property
    def troubles(self) -> list[str]:
        """The same of both accounts, as sentences that say what to do."""
        kinds = {field: kinds_of(self.connection.capabilities, field) for field in ACCOUNT_FIELDS}
        return [
            f"{field.removesuffix('_account').capitalize()} account {account} {why}. {advice(account, kinds[field])}"
            for field in ACCOUNT_FIELDS
            if (account := getattr(self, field)) and (why := self.trouble(field))
        ]


class Attempt(models.Model):
    """One try of one code, committed with its exact payload before the first byte leaves."""

    class Outcome(models.TextChoices):
        EXPORTED = "exported", "Exported"
        EXISTS = "exists", "Exists already"
        REFUSED = "refused", "Refused"
        NOT_SENT = "not sent", "Not sent"
        UNCERTAIN = "uncertain", "No clear answer"
        FOUND = "found", "Found in the ERP"  # was uncertain until the ERP was asked
        ABSENT = "absent", "Not in the ERP"  # was uncertain until the ERP was asked

    export = models.ForeignKey(CodeExport, on_delete=models.CASCADE, db_index=False, related_name="attempts")
    generation = models.PositiveIntegerField()
    request_key = models.CharField(max_length=64)
    lease_token = models.BigIntegerField()
    payload = models.JSONField()
    started_at = models.DateTimeField(db_default=Now())
    began_at = models.DateTimeField(null=True, db_default=Now())  # null: claimed, and its call has not begun
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    message = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["export", "-id"], name="attempts_of_export")]

    def __str__(self) -> str:
        return f"{self.export_id} {self.outcome}"
