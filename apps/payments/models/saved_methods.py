"""Cards that a gateway keeps for a payer (services/methods.py)."""

from __future__ import annotations

from django.db import models

from kernel.ids import uuid7
from kernel.models import SchoolModel


class SavedMethod(SchoolModel):
    """A payer's card that the gateway keeps: its tokens and what a person recognises it by.

    Written with the payment at which the payer agreed; filled in when the gateway has kept it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey("payments.GatewayAccount", models.PROTECT, related_name="methods")
    payer_id = models.UUIDField()
    payment = models.OneToOneField("payments.Payment", models.PROTECT, related_name="saved_method")
    consent_text = models.CharField(max_length=1000)  # the very words that were agreed to
    consented_at = models.DateTimeField()
    customer_id = models.CharField(max_length=255, default="", blank=True)
    method_id = models.CharField(max_length=255, default="", blank=True)
    brand = models.CharField(max_length=20, default="", blank=True)
    last4 = models.CharField(max_length=4, default="", blank=True)
    exp_month = models.SmallIntegerField(default=0)
    exp_year = models.SmallIntegerField(default=0)
    kept_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["consented_at", "id"]
        indexes = [models.Index(fields=["payer_id"], name="payments_method_payer")]

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}"
