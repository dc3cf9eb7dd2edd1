"""The parts in which an invoice may be paid."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kernel.ids import uuid7
from kernel.models import SchoolModel


class Instalment(SchoolModel):
    """A part of an invoice with a due date of its own; all parts are the whole charge. What has
    been paid counts for the earliest parts, so that no part needs a balance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(
        "fees.Invoice", on_delete=models.PROTECT, related_name="instalments"
    )
    due_on = models.DateField()
    amount_minor = models.BigIntegerField()
    left_after_minor = models.BigIntegerField()  # what of the invoice is due later than this part

    class Meta:
        ordering = ["due_on"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "due_on"], name="fees_instalment_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, left_after_minor__gte=0),
                name="fees_instalment_amounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on}: {self.amount_minor}"
