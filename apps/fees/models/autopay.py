"""Automatic payment: whose card is charged, and each day on which it is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel


class Autopay(SchoolModel):
    """A guardian's wish that their saved card is charged for what becomes due, until it ends."""

    class Ended(models.TextChoices):
        GUARDIAN = "guardian", _("Turned off by the guardian")
        CARD_GONE = "card_gone", _("The card is not kept any more")
        FAILED = "failed", _("The card was refused twice")
        ACCOUNT = "account", _("The school takes payments into another account")
        RESTORED = "restored", _("The school was restored from a backup")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    guardian_id = models.UUIDField()
    method_id = models.UUIDField()  # the saved card, as payments knows it
    card = models.CharField(max_length=40)  # what it is called in messages
    consent_text = models.CharField(max_length=1000)
    consented_at = models.DateTimeField(default=timezone.now)
    due_after = models.DateField()  # what was due up to then is paid by hand
    # Whether the words spoke of the processing cost: else it is never added.
    covers = models.BooleanField(default=False, db_default=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=10, choices=Ended, blank=True, default="")

    class Meta:
        ordering = ["consented_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["guardian_id"], condition=Q(ended_at=None), name="fees_autopay_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.guardian_id}: {self.card}"


class AutopayCharge(SchoolModel):
    """One day on which a card is charged: announced first, then carried out once."""

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("Announced")
        CHARGED = "charged", _("Charged")
        FAILED = "failed", _("Refused")
        SKIPPED = "skipped", _("Nothing was due")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    autopay = models.ForeignKey(Autopay, on_delete=models.PROTECT, related_name="charges")
    on = models.DateField()
    second_try = models.BooleanField(default=False)
    # What processing costs as it was when the charge was announced; nothing where none is added.
    cover_bps = models.PositiveSmallIntegerField(default=0, db_default=0)
    cover_fixed_minor = models.PositiveIntegerField(default=0, db_default=0)
    # Requests that never reached the gateway; each later one goes under a key of its own.
    unsent = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.ANNOUNCED)
    payment_id = models.UUIDField(null=True)
    amount_minor = models.BigIntegerField(default=0)
    refusal = models.CharField(max_length=60, blank=True, default="")
    announced_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["on", "announced_at", "id"]
        indexes = [models.Index(fields=["payment_id"], name="fees_autopay_payment")]
        constraints = [
            models.UniqueConstraint(
                fields=["autopay"], condition=Q(state="announced"), name="fees_autopay_next_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.on}: {self.state}"
