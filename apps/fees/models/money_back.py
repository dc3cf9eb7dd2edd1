"""What staff decided about money that goes back: by a refund, or by the payer's bank."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel


class RefundDecision(SchoolModel):
    """What the bursar chose to do with the invoice when asking for a refund."""

    class Effect(models.TextChoices):
        OWE_AGAIN = "owe_again", _("The invoice stays; the family owes the amount again")
        CREDIT_NOTE = "credit_note", _("The invoice is reduced; the family owes nothing more")
        FROM_CREDIT = "from_credit", _("Pay back unused credit; no invoice changes")

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        BOOKED = "booked", _("Booked")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=80)
    payment_id = models.UUIDField()
    refund_id = models.UUIDField(null=True)
    student_id = models.UUIDField(null=True)
    amount_minor = models.BigIntegerField()
    effect = models.CharField(max_length=12, choices=Effect)
    reason = models.CharField(max_length=200)
    # What is taken from where: [{"invoice": id, or "" for the credit, "amount_minor": n}, …].
    # Empty: as usual (services/split.py).
    parts = models.JSONField(default=list, db_default=[])
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["payment_id"], name="fees_refund_payment")]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="fees_refund_key"),
            models.UniqueConstraint(fields=["refund_id"], name="fees_refund_once"),
        ]

    def __str__(self) -> str:
        return f"{self.effect}: {self.amount_minor}"


class DisputeLoss(SchoolModel):
    """A payment that the payer's bank took back: its invoices are open again. Until staff has
    decided about them nobody is reminded of them."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for a decision")
        OWED = "owed", _("The family pays again")
        WAIVED = "waived", _("The school bears it")
        RETURNED = "returned", _("The money came back")

    id = models.UUIDField(primary_key=True, editable=False)  # the dispute's own
    payment_id = models.UUIDField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["payment_id"], name="fees_dispute_payment"),
            models.Index(
                fields=["created_at"], condition=Q(state="waiting"), name="fees_dispute_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} of {self.payment_id}: {self.state}"
