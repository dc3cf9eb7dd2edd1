"""Every message the school has sent or is about to send, and each try to send it."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel

STUCK_AFTER = timedelta(minutes=30)


class Message(SchoolModel):
    """One e-mail to one address. Written in the transaction of the event that caused it."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("Invitation")
        PASSWORD_RESET = "password_reset", _("Password reset")
        FAMILY_BILLED = "family_billed", _("Bill")
        FEE_REMINDER = "fee_reminder", _("Payment reminder")
        FAMILY_LINK = "family_link", _("Family link")
        RECEIPT = "receipt", _("Receipt")
        REFUND = "refund", _("Refund")
        DISPUTE = "dispute", _("Dispute")
        AUTOPAY_ANNOUNCED = "autopay_announced", _("Automatic payment: charge to come")
        AUTOPAY_FAILED = "autopay_failed", _("Automatic payment: card refused")
        AUTOPAY_ENDED = "autopay_ended", _("Automatic payment: turned off")
        ACTIVITY_CONFIRMED = "activity_confirmed", _("Activity: place confirmed")
        ACTIVITY_WAITLISTED = "activity_waitlisted", _("Activity: waiting list")
        ACTIVITY_PROMOTED = "activity_promoted", _("Activity: place became free")
        PLAN_LIMIT = "plan_limit", _("Plan: limit reached")
        PLAN_TRIAL = "plan_trial", _("Plan: end of the trial")
        PLAN_INVOICE = "plan_invoice", _("Plan: invoice of the platform")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting to be sent")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_id = models.UUIDField()
    kind = models.CharField(max_length=32, choices=Kind.choices)
    to_address = models.CharField(max_length=254)
    to_name = models.CharField(max_length=200, blank=True, default="")
    guardian_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=255)
    body_text = models.TextField()
    body_html = models.TextField()
    # The link that opens an account or a family's balance. The bodies hold a placeholder; the
    # link is put in at the moment of sending and forgotten afterwards, so that neither staff
    # nor a backup can use somebody else's link.
    personal_link = models.TextField(blank=True, default="")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    # Set while a worker sends it: the worker's own token, and when its claim lapses.
    claim = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "kind", "to_address"], name="notifications_message_once"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="notifications_message_newest"),
            models.Index(
                fields=["due_at"],
                condition=models.Q(status__in=("queued", "sending")),
                name="notifications_message_due",
            ),
            models.Index(fields=["guardian_id"], name="notifications_message_guardian"),
            models.Index(fields=["to_address"], name="notifications_message_to"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to_address}"

    @property
    def may_retry(self) -> bool:
        """Whether staff may send it again: it failed, or nobody has touched it for long."""
        if self.status == self.Status.FAILED:
            return True
        idle_since = self.claimed_until or self.due_at
        return self.status != self.Status.SENT and idle_since < timezone.now() - STUCK_AFTER


class Attempt(SchoolModel):
    """One try to hand the message to the mail server. Written once, never changed."""

    class Outcome(models.TextChoices):
        SENT = "sent", _("Sent")
        ERROR = "error", _("Error")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.at:%Y-%m-%d %H:%M}"


class Preference(SchoolModel):
    """An address that does not want one kind of message. No row: it wants it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    address = models.CharField(max_length=254)
    kind = models.CharField(max_length=32, choices=Message.Kind.choices)
    wanted = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["address", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["address", "kind"], name="notifications_preference_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.kind} {'wanted' if self.wanted else 'not wanted'}"
