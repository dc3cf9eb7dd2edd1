"""Plain data for payments tests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import factory

from apps.payments import facade as payments
from apps.payments.contracts import PaymentLine, StartedPayment
from kernel.ids import uuid7

MINA = UUID("0199f0c2-8a00-7000-8000-00000000aaaa")
JUN = UUID("0199f0c2-8a00-7000-8000-00000000bbbb")


class LineFactory(factory.Factory):
    class Meta:
        model = PaymentLine

    reference = factory.Sequence(lambda n: f"invoice-{n}")
    description = "Ada Park: term fee"
    amount_minor = 25000


def order(**changes: Any) -> payments.Order:
    """What Mina wants to pay, with these changes."""
    values: dict[str, Any] = {
        "payer_id": MINA,
        "payer_name": "Mina Park",
        "payer_email": "mina@example.org",
        "lines": (LineFactory(),),
        "currency": "USD",
        "description": "Term fees",
        "return_path": "/family/payments/{payment_id}/",
        "cancel_path": "/family/payments/{payment_id}/cancelled/",
        "idempotency_key": f"key-{uuid7()}",
    }
    values |= changes
    return payments.Order(**values | {"lines": tuple(values["lines"])})


def start(**changes: Any) -> StartedPayment:
    return payments.start_payment(order(**changes))


def counter(**changes: Any) -> dict[str, Any]:
    """The arguments of record_offline_payment."""
    from kernel.schools import today

    values = {
        "payer_id": MINA,
        "payer_name": "Mina Park",
        "lines": [LineFactory()],
        "currency": "USD",
        "method": "cash",
        "received_on": today(),
        "note": "",
        "actor": "bursar",
        "idempotency_key": f"cash-{uuid7()}",
    }
    return values | changes
