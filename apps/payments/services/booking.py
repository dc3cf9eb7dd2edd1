"""What became of a payment in the books of whoever uses it: told by them, kept in its story."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.payments import events, models
from apps.payments.aggregate import PaymentState
from apps.payments.services import journal


@transaction.atomic
def note_books(
    *,
    payment_id: UUID,
    allocated_minor: int,
    credited_minor: int,
    covered_minor: int = 0,
    at: datetime,
) -> bool:
    """Append what is new. Amounts are what the books come to (minor units), so hearing it twice or
    late changes nothing. False when there was nothing to append."""
    if not models.Payment.objects.filter(pk=payment_id, version__gt=0).exists():
        return False  # nobody's, or one whose story was let go
    payment = journal.locked(payment_id)
    state = journal.state_of(payment_id)
    news: list[object] = []
    if _is_news(state.allocated, allocated_minor, at):
        news.append(events.Allocated(amount_minor=allocated_minor, at=at))
    if _is_news(state.credited, credited_minor, at):
        news.append(events.Credited(amount_minor=credited_minor, at=at))
    if _is_news(state.covered, covered_minor, at):
        news.append(events.Covered(amount_minor=covered_minor, at=at))
    journal.write(payment, news)
    return bool(news)


def in_the_books(payment: models.Payment) -> PaymentState | None:
    """The payment's state once its books have been told; None before."""
    state = journal.state_of(payment.pk)
    return state if state.allocated or state.credited or state.covered else None


def _is_news(
    known: events.Allocated | events.Credited | events.Covered | None,
    amount_minor: int,
    at: datetime,
) -> bool:
    if known is None:
        return amount_minor != 0
    return at > known.at and amount_minor != known.amount_minor
