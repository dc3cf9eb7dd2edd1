"""A payment with a cover, and what the books say of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum

from apps.fees.models import Allocation, Cover, Credit
from apps.fees.restoring import add_up
from apps.fees.selectors import invoices
from apps.fees.services import refunds
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import restoring
from apps.payments.contracts import PaymentLine
from apps.payments.services import journal


def start(family: make.Family, parts: list[tuple[UUID | str, int]], cover: int = 1340) -> Any:
    order = payments.Order(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        payer_email="maria@example.org",
        lines=tuple(
            PaymentLine(reference=str(key), description="Fees", amount_minor=amount)
            for key, amount in parts
        ),
        currency="USD",
        description="Fees",
        return_path="/family/",
        cancel_path="/family/",
        idempotency_key=str(uuid4()),
        cover_minor=cover,
    )
    return payments.start_payment(order)


@pytest.fixture
def paid(account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any) -> Any:
    """One child's invoice of 450.00 with 13.40 of cover, by card."""
    make.bill(room)
    [invoice] = make.owed(family.child)
    started = start(family, [(invoice.id, 45000)])
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    return started.payment_id, invoice


def booked(payment_id: UUID) -> tuple[int, int, int]:
    """To invoices, as credit, as cover."""
    invoices_, credit, cover = (
        model._default_manager.filter(payment_id=payment_id).aggregate(sum=Sum("amount_minor"))[
            "sum"
        ]
        or 0
        for model in (Allocation, Credit, Cover)
    )
    return invoices_, credit, cover


def balance(invoice: Any) -> int:
    return int(invoices.get_invoice(invoice_id=invoice.id).balance_minor)


def books_are_in_order(payment_id: UUID) -> bool:
    return (
        journal.state_of(payment_id).is_square
        and sum(booked(payment_id)) == journal.state_of(payment_id).kept_minor
        and add_up().problems == ()
        and restoring.add_up().problems == ()
    )


def refund(family: make.Family, payment_id: UUID, amount: int, **more: Any) -> Any:
    what = {"effect": "owe_again", "reason": "r", "actor": "a", "key": str(uuid4())}
    return refunds.refund_payment(
        payment_id=payment_id, student_id=family.child.pk, amount_minor=amount, **what | more
    )
