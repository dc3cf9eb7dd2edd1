"""What was compared with the gateway's books, what did not agree, and what the gateway paid out."""

from __future__ import annotations

from django.db import models

from kernel.ids import uuid7
from kernel.models import SchoolModel


class ReconciliationRun(SchoolModel):
    """One comparison of an account's books over a window of time (UTC, the end left out).

    The same window is one row however often it is compared: its result is that of the last time.
    """

    QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        "payments.GatewayAccount", models.PROTECT, related_name="reconciliations"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, default=QUEUED)
    asked_by = models.CharField(max_length=254, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When the worker last said that it lives: a run without that is taken up by another one.
    seen_at = models.DateTimeField(null=True)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    error = models.CharField(max_length=300, default="", blank=True)

    # What was compared, and how many exceptions were open at its end
    transactions = models.IntegerField(default=0)
    payments = models.IntegerField(default=0)
    found = models.IntegerField(default=0)
    # Settlement currency -> {"charged", "refunded", "disputed", "fees", "net"}, minor units
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "since", "until"], name="payments_run_once_a_window"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payments_run_newest"),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="payments_run_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}: {self.state}"


class Discrepancy(SchoolModel):
    """Something on which the gateway's books and ours do not agree; one row for each thing, found
    again by the next run or resolved by it. `ours` and `theirs`: minor units, where there are."""

    OPEN, RESOLVED, ACCEPTED = "open", "resolved", "accepted"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        "payments.GatewayAccount", models.PROTECT, related_name="discrepancies"
    )
    kind = models.CharField(max_length=40)
    # The gateway's id of the capture, refund or dispute
    object_id = models.CharField(max_length=255)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, related_name="+")
    refund = models.ForeignKey("payments.Refund", models.PROTECT, null=True, related_name="+")
    ours_minor = models.BigIntegerField(null=True)
    ours_currency = models.CharField(max_length=3, default="", blank=True)
    theirs_minor = models.BigIntegerField(null=True)
    theirs_currency = models.CharField(max_length=3, default="", blank=True)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, default=OPEN)
    first_seen = models.ForeignKey(ReconciliationRun, models.PROTECT, related_name="+")
    last_seen = models.ForeignKey(ReconciliationRun, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, default="", blank=True)
    reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "object_id"], name="payments_discrepancy_once"
            )
        ]
        indexes = [models.Index(fields=["state", "-at"], name="payments_discrepancy_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}: {self.state}"


class Payout(SchoolModel):
    """Money the gateway sent to the school's bank. Amounts are minor units of its currency:
    charges less refunds, disputes and fees are what arrives."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey("payments.GatewayAccount", models.PROTECT, related_name="payouts")
    payout_id = models.CharField(max_length=255)
    status = models.CharField(max_length=12)
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    gross_minor = models.BigIntegerField(default=0)
    refunds_minor = models.BigIntegerField(default=0)
    disputes_minor = models.BigIntegerField(default=0)
    other_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    line_count = models.IntegerField(default=0)
    descriptor = models.CharField(max_length=100, default="", blank=True)
    arrives_on = models.DateField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "payout_id"], name="payments_payout_once")
        ]
        indexes = [models.Index(fields=["-made_at", "-id"], name="payments_payout_newest")]

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.net_minor} {self.currency}"

    @property
    def returned_minor(self) -> int:
        """What went back to payers and banks: below zero."""
        return self.refunds_minor + self.disputes_minor + self.other_minor


class PayoutLine(SchoolModel):
    """One line of the gateway's books within a payout, in the payout's currency."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payout = models.ForeignKey(Payout, models.CASCADE, related_name="lines")
    transaction_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=20)
    object_id = models.CharField(max_length=255)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, related_name="+")
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["payout", "transaction_id"], name="payments_payout_line_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}: {self.net_minor}"
