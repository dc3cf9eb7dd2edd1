"""Events of payments: what other apps hear (published.py), a payment's own story (story.py), and
what is both (disputes.py)."""

from apps.payments.events.disputes import (
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
)
from apps.payments.events.published import (
    Line,
    PaymentCaptured,
    PaymentFailed,
    RefundCompleted,
    RefundFailed,
)
from apps.payments.events.samples import SAMPLES, UPCASTERS
from apps.payments.events.story import (
    AttemptFailed,
    Cancelled,
    Captured,
    Expired,
    ExternalRefundBooked,
    ExternalRefundDetected,
    Initiated,
    MismatchDetected,
    OutcomeUnknown,
    Part,
    Processing,
    RefundPending,
    RefundRejected,
    RefundRequested,
    RefundSucceeded,
    SessionCreated,
)

__all__ = [
    "SAMPLES",
    "UPCASTERS",
    "AttemptFailed",
    "Cancelled",
    "Captured",
    "DisputeLost",
    "DisputeOpened",
    "DisputeUpdated",
    "DisputeWon",
    "Expired",
    "ExternalRefundBooked",
    "ExternalRefundDetected",
    "Initiated",
    "Line",
    "MismatchDetected",
    "OutcomeUnknown",
    "Part",
    "PaymentCaptured",
    "PaymentFailed",
    "Processing",
    "RefundCompleted",
    "RefundFailed",
    "RefundPending",
    "RefundRejected",
    "RefundRequested",
    "RefundSucceeded",
    "SessionCreated",
]
