"""What a school may use, what it uses, and what it owes the platform for it.

Schools are named by their number, without a foreign key: invoices and usage outlive the school.
Amounts are minor units of the row's currency. Posted rows (invoices, their lines, payments of
them) are never changed: a trigger refuses it, and a mistake is taken back by a credit note.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from kernel.ids import uuid7


class Plan(models.Model):
    """One version of what the platform sells. A change is a new version; subscriptions keep the
    version they were made with."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=60)
    text = models.CharField(max_length=200, blank=True, default="")
    price_minor = models.BigIntegerField()
    # Of the payments captured in the month, in hundredths of a percent.
    payment_fee_bp = models.PositiveIntegerField(default=0)
    trial_days = models.PositiveIntegerField(default=30)
    position = models.PositiveSmallIntegerField(default=100)
    active_from = models.DateField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "code", "currency", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "currency", "version"], name="tenants_plan_version_once"
            ),
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="tenants_plan_price"),
            models.CheckConstraint(
                condition=Q(payment_fee_bp__lte=10_000), name="tenants_plan_fee_at_most_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code} {self.currency} v{self.version})"


class PlanAllowance(models.Model):
    """How much of one meter a plan includes, what more costs, and where it ends."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="allowances")
    meter = models.CharField(max_length=32)
    included = models.BigIntegerField()
    # None: as much as the school likes.
    limit = models.BigIntegerField(null=True, blank=True)
    # Each started `extra_unit` above `included` costs `extra_price_minor` a month.
    extra_unit = models.BigIntegerField(default=1)
    extra_price_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "meter"], name="tenants_allowance_once"),
            models.CheckConstraint(
                condition=Q(included__gte=0) & Q(extra_unit__gt=0) & Q(extra_price_minor__gte=0),
                name="tenants_allowance_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(limit__isnull=True) | Q(limit__gte=F("included")),
                name="tenants_allowance_limit_not_below",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter}: {self.included}"


class Subscription(models.Model):
    """A school's plan from `starts_on` up to the day before `ends_on` (None: until changed)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    # The first day that is charged; None: all of them.
    trial_until = models.DateField(null=True, blank=True)
    # Which of the notices about the end of the trial went out: "", "ending", "ended".
    trial_told = models.CharField(max_length=8, blank=True, default="")
    chosen_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["school_id", "starts_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_id"],
                condition=Q(ends_on__isnull=True),
                name="tenants_subscription_one_open",
            ),
            models.UniqueConstraint(
                fields=["school_id", "starts_on"], name="tenants_subscription_one_a_day"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="tenants_subscription_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"school {self.school_id} from {self.starts_on}"


class UsageMonth(models.Model):
    """What one meter of a school showed for a month. Frozen once the month is closed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    month = models.DateField()  # its first day
    meter = models.CharField(max_length=32)
    value = models.BigIntegerField()
    measured_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["school_id", "-month", "meter"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_id", "month", "meter"], name="tenants_usage_once"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="tenants_usage_whole_month"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of school {self.school_id}, {self.month:%Y-%m}: {self.value}"


class LimitNotice(models.Model):
    """The school came near a limit (80) or reached it (100). Open until it is well below again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    meter = models.CharField(max_length=32)
    level = models.PositiveSmallIntegerField()
    value = models.BigIntegerField()
    limit = models.BigIntegerField()
    raised_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["school_id", "meter", "-level"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_id", "meter", "level"],
                condition=Q(cleared_at__isnull=True),
                name="tenants_notice_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of school {self.school_id} at {self.level} %"


class PlatformNumber(models.Model):
    """The last number given out in a series, such as "invoice-2026"."""

    name = models.CharField(max_length=32, primary_key=True)
    last = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class PlatformInvoice(models.Model):
    """What a school owes the platform for one month, or a credit note that takes it back."""

    class Kind(models.TextChoices):
        INVOICE = "invoice"
        CREDIT = "credit"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.INVOICE)
    number = models.CharField(max_length=20)
    school_id = models.BigIntegerField()
    # As it was on that day: a sent invoice does not change with the school.
    school_name = models.CharField(max_length=120)
    billed_to = models.CharField(max_length=700, blank=True, default="")
    language = models.CharField(max_length=8, default="en")
    month = models.DateField()  # its first day
    # How often the month was billed before: 0, unless an earlier invoice of it was taken back.
    attempt = models.PositiveSmallIntegerField(default=0)
    credits = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_note"
    )
    reason = models.CharField(max_length=200, blank=True, default="")
    plan_name = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    issued_on = models.DateField()
    due_on = models.DateField()
    created_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["school_id", "-month"], name="tenants_invoice_school"),
            models.Index(fields=["-created_at", "-id"], name="tenants_invoice_newest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="tenants_invoice_number"),
            models.UniqueConstraint(
                fields=["school_id", "month", "attempt"],
                condition=Q(kind="invoice"),
                name="tenants_invoice_once_a_month",
            ),
            models.CheckConstraint(
                condition=Q(kind="invoice", credits__isnull=True, total_minor__gt=0)
                | Q(kind="credit", credits__isnull=False, total_minor__lt=0),
                name="tenants_invoice_or_credit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.total_minor} {self.currency}"


class PlatformInvoiceLine(models.Model):
    """One line; `code` and `detail` say how the amount came about."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(PlatformInvoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=32)  # plan, or the meter that is charged for
    detail = models.JSONField(default=dict)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"], name="tenants_invoice_line_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.amount_minor}"


class PlatformPayment(models.Model):
    """Money that arrived for an invoice, as the operator found it on the bank statement."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(PlatformInvoice, on_delete=models.PROTECT, related_name="payments")
    amount_minor = models.BigIntegerField()
    received_on = models.DateField()
    reference = models.CharField(max_length=120)
    recorded_by = models.CharField(max_length=254, blank=True, default="")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["received_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "reference"], name="tenants_platform_payment_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="tenants_platform_payment_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} for {self.invoice_id}"
