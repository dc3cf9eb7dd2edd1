"""Tables of fees, in the school's schema.

Charge, Allocation, Credit and Cover are the books: they are only ever added to (a trigger refuses
UPDATE and DELETE), and every balance is a sum over them.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.fees.models.autopay import Autopay as Autopay
from apps.fees.models.autopay import AutopayCharge as AutopayCharge
from apps.fees.models.covers import Cover as Cover
from apps.fees.models.instalments import Instalment as Instalment
from apps.fees.models.links import FamilyLink as FamilyLink
from apps.fees.models.links import LinkRequest as LinkRequest
from apps.fees.models.money_back import DisputeLoss as DisputeLoss
from apps.fees.models.money_back import RefundDecision as RefundDecision
from kernel.ids import uuid7
from kernel.models import SchoolModel


class FeeCategory(SchoolModel):
    """Tuition, lunch, trips: how the bursar groups fees in lists and reports."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    # The gateway account that its money goes to; None: the one in use. A key of payments.
    account_id = models.UUIDField(null=True, blank=True)
    # What activities cost counts as this one, for no fee is behind it. One category at most.
    for_activities = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="fees_category_name"),
            models.UniqueConstraint(
                fields=["for_activities"],
                condition=Q(for_activities=True),
                name="fees_category_of_activities",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Fee(SchoolModel):
    """A fee template. Editing raises `version`; posted charges keep the version they used."""

    class DueRule(models.TextChoices):
        DAYS = "days", _("A number of days after billing")
        DATE = "date", _("On a fixed date")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    category = models.ForeignKey(FeeCategory, on_delete=models.PROTECT, related_name="fees")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    due_rule = models.CharField(max_length=8, choices=DueRule, default=DueRule.DAYS)
    due_days = models.PositiveSmallIntegerField(default=14)
    due_date = models.DateField(null=True, blank=True)
    # A plan: "40, 30, 30" are the percents of its instalments, the first due when the fee is.
    shares = models.CharField(max_length=60, default="", db_default="", blank=True)
    months_between = models.PositiveSmallIntegerField(default=1, db_default=1)
    version = models.PositiveIntegerField(default=1)
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["category__position", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="fees_fee_positive"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(is_archived=False), name="fees_fee_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BillingRun(SchoolModel):
    """One fee for some classes with one due date: drafted, reviewed, posted, maybe reversed."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        POSTED = "posted", _("Posted")
        REVERSED = "reversed", _("Reversed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    fee = models.ForeignKey(Fee, on_delete=models.PROTECT, related_name="runs")
    classes = models.JSONField(default=list)  # [{"id": …, "name": …}] as they were called then
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    preview = models.JSONField(default=dict)  # what the bursar had on the screen when posting
    invoice_count = models.PositiveIntegerField(default=0)
    family_count = models.PositiveIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    posted_by = models.CharField(max_length=254, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    reversed_by = models.CharField(max_length=254, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["fee", "state"], name="fees_run_fee_state")]

    def __str__(self) -> str:
        return f"{self.fee.name}, {self.due_on}"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(row["name"] for row in self.classes)


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def with_balances(self) -> models.QuerySet[Any]:
        """Add charged, paid and balance, each one indexed sum, so nothing is stored twice; and
        next_due: when its first part that is not paid is due."""
        return (
            self.annotate(charged=_sum_of(Charge, "invoice"), paid=_sum_of(Allocation, "invoice"))
            .annotate(balance=F("charged") - F("paid"))
            .annotate(next_due=_next_due())
        )


class Invoice(SchoolModel):
    """One student's bill. Names are as they were on the day; void is a matter of its charges."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=20)
    title = models.CharField(max_length=160)
    student_id = models.UUIDField()
    student_name = models.CharField(max_length=160)
    class_name = models.CharField(max_length=80, blank=True)
    fee = models.ForeignKey(Fee, on_delete=models.PROTECT, null=True, related_name="invoices")
    billing_run = models.ForeignKey(
        BillingRun, on_delete=models.PROTECT, null=True, related_name="invoices"
    )
    source_id = models.UUIDField(null=True)  # the sign-up it came from, when not from a run
    issued_on = models.DateField()
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(default=timezone.now)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "number"]
        indexes = [
            models.Index(fields=["student_id", "due_on"], name="fees_invoice_student"),
            models.Index(fields=["fee", "due_on"], name="fees_invoice_fee_due"),
            models.Index(fields=["due_on"], name="fees_invoice_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="fees_invoice_number"),
            models.UniqueConstraint(
                fields=["billing_run", "student_id"], name="fees_invoice_once_a_run"
            ),
            models.UniqueConstraint(fields=["source_id"], name="fees_invoice_once_a_source"),
        ]

    def __str__(self) -> str:
        return self.number


class Charge(SchoolModel):
    """One posted line of an invoice; a negative one is a credit note or a reversal."""

    class Kind(models.TextChoices):
        FEE = "fee", _("Fee")
        ACTIVITY = "activity", _("Activity")
        CREDIT_NOTE = "credit_note", _("Credit note")
        REVERSAL = "reversal", _("Reversal")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(max_length=12, choices=Kind)
    description = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()
    rule = models.CharField(max_length=40)  # which rule made it, e.g. "fee_for_class"
    rule_version = models.PositiveIntegerField(default=1)
    rule_inputs = models.JSONField(default=dict)
    why = models.CharField(max_length=400)  # the rule and its inputs, in one sentence
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    source_id = models.UUIDField(null=True)  # refund behind a credit note
    booked_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="fees_charge_not_zero"),
            models.UniqueConstraint(
                fields=["invoice", "kind", "source_id"], name="fees_charge_once_a_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description}: {self.amount_minor}"


class Allocation(SchoolModel):
    """What a payment gives to an invoice. Refunds and lost disputes take it back with a negative
    row."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        CREDIT_USED = "credit_used", _("Credit used")
        REFUND = "refund", _("Refund")
        REFUND_RETURNED = "refund_returned", _("Refund that came back")
        DISPUTE_LOST = "dispute_lost", _("Taken back by the payer’s bank")
        DISPUTE_WON = "dispute_won", _("Given again by the payer’s bank")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="allocations")
    payment_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    amount_minor = models.BigIntegerField()
    source_id = models.UUIDField()  # the payment, the refund or the use of credit behind it
    booked_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["booked_on"], name="fees_allocation_booked")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="fees_allocation_not_zero"),
            models.UniqueConstraint(
                fields=["payment_id", "invoice", "kind", "source_id"],
                name="fees_allocation_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.payment_id}: {self.amount_minor}"


class FamilyAccount(SchoolModel):
    """One row a household: the row to lock before its credit is spent."""

    household_id = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return str(self.household_id)


class Credit(SchoolModel):
    """Money of a payment that no invoice took yet; a negative row spends or refunds it.

    For every payment: allocations + credit + cover = captured - refunded - lost to disputes.
    """

    class Kind(models.TextChoices):
        OVERPAID = "overpaid", _("Paid more than was owed")
        EXTRA = "extra", _("Captured once more")
        USED = "used", _("Used for an invoice")
        REFUND = "refund", _("Refunded")
        REFUND_RETURNED = "refund_returned", _("Refund that came back")
        DISPUTE_LOST = "dispute_lost", _("Taken back by the payer’s bank")
        DISPUTE_WON = "dispute_won", _("Given again by the payer’s bank")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(FamilyAccount, on_delete=models.PROTECT, related_name="credits")
    payment_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source_id = models.UUIDField()
    booked_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["booked_on"], name="fees_credit_booked")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="fees_credit_not_zero"),
            models.UniqueConstraint(
                fields=["payment_id", "kind", "source_id"], name="fees_credit_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.payment_id}: {self.amount_minor}"


class Receipt(SchoolModel):
    """The numbered proof of one payment; its existence says the payment was allocated."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=20)
    payment_id = models.UUIDField()
    account = models.ForeignKey(FamilyAccount, on_delete=models.PROTECT, related_name="receipts")
    payer_id = models.UUIDField()
    payer_name = models.CharField(max_length=160)
    method = models.CharField(max_length=20)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    paid_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-paid_at", "-id"]
        indexes = [models.Index(fields=["payer_id", "paid_at"], name="fees_receipt_payer")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="fees_receipt_number"),
            models.UniqueConstraint(fields=["payment_id"], name="fees_receipt_once"),
        ]

    def __str__(self) -> str:
        return self.number


class NumberSequence(SchoolModel):
    """The last number given out, e.g. for "invoice-2026". Taken inside the transaction."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=40)
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="fees_sequence_name")]

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


def _next_due() -> Coalesce:
    unpaid = Instalment.objects.filter(
        invoice=models.OuterRef("pk"), left_after_minor__lt=models.OuterRef("balance")
    )
    first = unpaid.order_by("due_on").values("due_on")[:1]
    return Coalesce(models.Subquery(first), F("due_on"))


def _sum_of(model: type[models.Model], key: str) -> Coalesce:
    """SUM(amount_minor) of the rows of `model` that point at the outer invoice."""
    rows = model._default_manager.filter(**{key: models.OuterRef("pk")}).order_by()
    sums = rows.values(key).annotate(total=Sum("amount_minor")).values("total")
    return Coalesce(
        models.Subquery(sums, output_field=models.BigIntegerField()),
        Value(0),
        output_field=models.BigIntegerField(),
    )
