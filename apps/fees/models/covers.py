"""What payers add to a payment for the cost of processing it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel


class Cover(SchoolModel):
    """The part of a payment that is for no invoice and is nobody's credit: it covers what the
    gateway keeps. Refunds and lost disputes take it back with a negative row. Only ever added to,
    as the other books are."""

    class Kind(models.TextChoices):
        """Those of money that goes and comes are called as they are of Credit."""

        PAYMENT = "payment", _("Payment")
        REFUND = "refund", _("Refunded")
        REFUND_RETURNED = "refund_returned", _("Refund that came back")
        DISPUTE_LOST = "dispute_lost", _("Taken back by the payer’s bank")
        DISPUTE_WON = "dispute_won", _("Given again by the payer’s bank")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source_id = models.UUIDField()  # the payment, the refund or the dispute behind it
    booked_on = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["booked_on"], name="fees_cover_booked")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="fees_cover_not_zero"),
            models.UniqueConstraint(
                fields=["payment_id", "kind", "source_id"], name="fees_cover_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.payment_id}: {self.amount_minor}"
