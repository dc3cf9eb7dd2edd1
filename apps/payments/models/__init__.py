"""Tables of payments. Payment, PaymentLine, Refund and Dispute are projections of the stored
events: they are written only by services/journal.py, in the transaction that appends the events."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.payments import contracts
from apps.payments.models.bank import BankStatement, LineTie, StatementLine
from apps.payments.models.odd_attempts import FraudHold, PaymentOrigin
from apps.payments.models.reconciliation import (
    Discrepancy,
    Payout,
    PayoutLine,
    ReconciliationRun,
)
from apps.payments.models.saved_methods import SavedMethod
from kernel.ids import uuid7
from kernel.models import SchoolModel

# Tables that stand in files of their own.
__all__ = [
    "BankStatement",
    "Discrepancy",
    "FraudHold",
    "LineTie",
    "PaymentOrigin",
    "Payout",
    "PayoutLine",
    "ReconciliationRun",
    "SavedMethod",
    "StatementLine",
]

STRIPE = "stripe"
PAYPAL = "paypal"
OFFLINE = contracts.OFFLINE
SANDBOX, TEST, LIVE = "sandbox", "test", "live"


@lru_cache(maxsize=4)
def _vault(setting: str) -> MultiFernet:
    keys = [key.strip() for key in setting.split(",") if key.strip()]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    # The setting is any long random text; Fernet wants exactly 32 bytes of its own.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"homeroom payments fields")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))


def vault() -> MultiFernet:
    """Encrypts gateway keys at rest. FIELD_ENCRYPTION_KEY may hold several keys, newest first,
    separated by commas: the first encrypts, all decrypt."""
    return _vault(settings.FIELD_ENCRYPTION_KEY)


class SecretField(models.TextField):
    """Text that is stored encrypted and read in the clear."""

    def get_prep_value(self, value: Any) -> Any:
        return vault().encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str, expression: Any, connection: Any) -> str:
        return vault().decrypt(value.encode()).decode() if value else ""


def new_webhook_key() -> str:
    """The part of a webhook address that tells accounts apart; says nothing about the school."""
    return secrets.token_urlsafe(24)


class GatewayAccount(SchoolModel):
    """The school's own account at a payment gateway."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=20)
    mode = models.CharField(max_length=10)
    label = models.CharField(max_length=80)
    # PayPal's client id; a key of Stripe says whose it is.
    client_id = SecretField(default="", db_default="", blank=True)
    secret_key = SecretField(default="", blank=True)
    # An account at Stripe that belongs to the key's own (Stripe-Account); "" for the key's own.
    connected_account = models.CharField(max_length=60, default="", db_default="", blank=True)
    # Newest first; the older one stays valid while deliveries signed with it are on their way.
    webhook_secret = SecretField(default="", blank=True)
    previous_webhook_secret = SecretField(default="", blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    webhook_key = models.CharField(max_length=64, default=new_webhook_key, unique=True)
    webhook_endpoint_id = models.CharField(max_length=255, default="", blank=True)
    webhook_url = models.CharField(max_length=500, default="", blank=True)
    problem = models.CharField(max_length=300, default="", blank=True)
    is_default = models.BooleanField(default=False)
    # Takes no new payments since then; those begun end here, and its messages are still read.
    turned_off_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # Payers may choose it instead of the default account (one of each gateway is shown).
    is_offered = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="payments_one_default_account",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.mode})"

    @property
    def masked_key(self) -> str:
        """Enough to recognise the key, too little to use it."""
        key = self.client_id or self.secret_key
        return f"{key[:8]}…{key[-4:]}" if len(key) > 16 else "…"

    def secrets_valid(self, *, at: datetime) -> list[str]:
        """What messages may be signed with at that moment: the newest secret first."""
        until = self.previous_secret_until
        previous = self.previous_webhook_secret if until and at < until else ""
        return [secret for secret in (self.webhook_secret, previous) if secret]


class Payment(SchoolModel):
    """One attempt of one payer to pay some references."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(GatewayAccount, models.PROTECT, null=True, related_name="payments")
    provider = models.CharField(max_length=20)
    mode = models.CharField(max_length=10)
    method = models.CharField(max_length=20)
    payer_id = models.UUIDField()
    payer_name = models.CharField(max_length=200)
    payer_email = models.CharField(max_length=254, blank=True)
    description = models.CharField(max_length=500)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    # What of the amount is in no line: the payer adds it for the cost of processing.
    cover_minor = models.BigIntegerField(default=0, db_default=0)
    idempotency_key = models.CharField(max_length=200)
    # Every parameter of the gateway call, kept so that a retry sends the very same.
    request = models.JSONField(default=dict)
    session_id = models.CharField(max_length=255, default="", blank=True)
    hosted_url = models.TextField(default="", blank=True)
    session_expires_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, default="", blank=True)
    actor = models.CharField(max_length=200, default="", blank=True)
    started_at = models.DateTimeField()

    # Folded from the events
    version = models.IntegerField(default=0)
    status = models.CharField(max_length=20, default=contracts.INITIATED)
    is_open = models.BooleanField(default=True)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    refundable_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0, db_default=0)
    lost_minor = models.BigIntegerField(default=0, db_default=0)
    captured_at = models.DateTimeField(null=True)
    # The gateway's own number of the money that arrived, booked or not: staff look it up in its
    # dashboard.
    capture_id = models.CharField(max_length=255, default="", blank=True)
    attention = models.CharField(max_length=40, default="", blank=True)

    # When the janitor asks the gateway again, and how often it has
    next_check_at = models.DateTimeField(null=True)
    checks = models.IntegerField(default=0)
    # Until when a capture that we asked for may still be under way: nobody ends the payment then.
    capturing_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="payments_newest"),
            models.Index(fields=["payer_id"], name="payments_payer"),
            models.Index(fields=["idempotency_key"], name="payments_key"),
            models.Index(fields=["captured_at"], name="payments_captured"),
            models.Index(
                fields=["capture_id"], condition=~models.Q(capture_id=""), name="payments_capture"
            ),
            models.Index(
                fields=["next_check_at"],
                condition=models.Q(next_check_at__isnull=False),
                name="payments_due_check",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(is_open=True),
                name="payments_one_open_per_key",
            ),
            models.UniqueConstraint(
                fields=["session_id"],
                condition=~models.Q(session_id=""),
                name="payments_session_once",
            ),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="payments_amount_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(refunded_minor__lte=models.F("captured_minor")),
                name="payments_refund_within_capture",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} of {self.payer_name}: {self.status}"

    def page_is_over(self) -> bool:
        """True when the time of the hosted page has run out."""
        return self.session_expires_at is not None and self.session_expires_at <= timezone.now()

    @property
    def charges_method(self) -> bool:
        """A charge of a saved method: there is no page on which anybody could pay."""
        return "method_id" in self.request


class PaymentLine(SchoolModel):
    """What the payment is for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.CASCADE, related_name="lines")
    position = models.SmallIntegerField()
    reference = models.CharField(max_length=100)
    description = models.CharField(max_length=300)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["reference"], name="payments_line_reference")]

    def __str__(self) -> str:
        return f"{self.description}: {self.amount_minor}"


class OpenClaim(SchoolModel):
    """The double-pay guard: while a payment is open it holds each of its references, and the
    primary key lets nobody else hold the same."""

    reference = models.CharField(primary_key=True, max_length=100)
    payment = models.ForeignKey(Payment, models.CASCADE, related_name="claims")

    def __str__(self) -> str:
        return self.reference


class Refund(SchoolModel):
    """Money given back; one row an attempt, folded from the payment's events."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=200, default="", blank=True)
    idempotency_key = models.CharField(max_length=200)
    # Of money that was not booked: it goes back as it came and is in no sum of the payment.
    capture_id = models.CharField(max_length=255, default="", db_default="", blank=True)
    provider_refund_id = models.CharField(max_length=255, default="", blank=True)
    external = models.BooleanField(default=False)
    status = models.CharField(max_length=20)
    failure = models.CharField(max_length=300, default="", blank=True)
    requested_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["requested_at", "id"]
        indexes = [models.Index(fields=["completed_at"], name="payments_refund_completed")]
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="payments_refund_once"),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="payments_refund_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor}: {self.status}"


class RefundApproval(SchoolModel):
    """A refund above the school's limit that waits for a second person. Its id is the refund's."""

    WAITING, APPROVED, DECLINED = "waiting", "approved", "declined"
    WITHDRAWN, EXPIRED = "withdrawn", "expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="approvals")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    idempotency_key = models.CharField(max_length=200)
    capture_id = models.CharField(max_length=255, default="", db_default="", blank=True)
    state = models.CharField(max_length=10, default=WAITING)
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.CharField(max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["requested_at", "id"]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state="waiting"),
                name="payments_approval_waiting",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="payments_approval_once"),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="payments_approval_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor}: {self.state}"


class Dispute(SchoolModel):
    """A payer's bank takes a capture back; folded from the payment's events."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    provider_dispute_id = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20)
    # False while the capture it is about is not booked: then nothing is taken from the books.
    counts = models.BooleanField(default=True)
    reason = models.CharField(max_length=100, blank=True)
    due_by = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["opened_at", "id"]
        indexes = [models.Index(fields=["status", "due_by"], name="payments_dispute_due")]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}: {self.status}"


class ProviderEvent(SchoolModel):
    """A signed message of the gateway, kept as it came. It is only a hint to ask again."""

    RECEIVED, PROCESSED, UNMATCHED, IGNORED = "received", "processed", "unmatched", "ignored"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="events")
    event_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, default="", blank=True)
    # What the message says it is about; checked against our own rows before anything is asked.
    payment_hint = models.CharField(max_length=255, default="", blank=True)
    capture_hint = models.CharField(max_length=255, default="", blank=True)
    body = models.TextField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, default=RECEIVED)
    payment_id = models.UUIDField(null=True)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    processed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_id"], name="payments_provider_event_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="payments_event_due",
            ),
            models.Index(fields=["state", "-received_at"], name="payments_event_state"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type}: {self.state}"
