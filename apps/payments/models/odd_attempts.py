"""What is counted to find odd attempts to pay, and the pauses that follow (services/fraud.py)."""

from __future__ import annotations

from django.db import models

from kernel.ids import uuid7
from kernel.models import SchoolModel


class PaymentOrigin(SchoolModel):
    """Where an attempt to pay came from, for a month: counted to find odd ones (services/fraud)."""

    payment = models.OneToOneField(
        "payments.Payment", models.CASCADE, primary_key=True, related_name="origin"
    )
    family_id = models.UUIDField()
    # A digest of the network address, made with the installation's key; never the address.
    source = models.CharField(max_length=64, default="", blank=True)
    started_at = models.DateTimeField()
    declines = models.IntegerField(default=0)
    declined_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["family_id", "started_at"], name="payments_origin_family"),
            models.Index(
                fields=["source", "declined_at"],
                condition=models.Q(declines__gt=0),
                name="payments_origin_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id}: {self.declines}"


class FraudHold(SchoolModel):
    """A pause of new payments for a family or an address, and what a person decided about it."""

    VELOCITY, CARD_TESTING = "velocity", "card_testing"
    OPEN, RELEASED, KEPT = "open", "released", "kept"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # What is held and its key, with a colon between: a family, or a digest of an address.
    subject = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    seen = models.JSONField(default=dict)
    placed_at = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, default=OPEN)
    reason = models.CharField(max_length=300, default="", blank=True)
    decided_by = models.CharField(max_length=254, default="", blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject", "-placed_at"], name="payments_hold_subject"),
            models.Index(fields=["state", "-placed_at"], name="payments_hold_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"],
                condition=models.Q(state="open"),
                name="payments_one_open_hold",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} until {self.until:%Y-%m-%d %H:%M}"
