"""Taking names out of payments. Amounts, keys and times always stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.events import facade as event_store
from apps.payments.models import (
    BankStatement,
    FraudHold,
    Payment,
    PaymentLine,
    PaymentOrigin,
    ProviderEvent,
    Refund,
    RefundApproval,
    StatementLine,
)
from kernel.schools import current_school

NOBODY = "–"


def payments_of(payer_ids: Iterable[UUID]) -> QuerySet[Payment]:
    """Payments of this payer; at the counter a student may be the payer."""
    return Payment.objects.filter(payer_id__in=list(payer_ids))


def holds_of(payer_ids: Iterable[UUID]) -> QuerySet[FraudHold]:
    """Pauses of this payer's family, as far as its attempts are still known."""
    origins = PaymentOrigin.objects.filter(payment__in=payments_of(payer_ids))
    families = set(origins.values_list("family_id", flat=True))
    return FraudHold.objects.filter(subject__in=[f"family:{key}" for key in families])


def split(payer_ids: Iterable[UUID], *, on: date) -> tuple[QuerySet[Payment], QuerySet[Payment]]:
    """Closed payments that the books need on that day, and those that they do not."""
    mine = payments_of(payer_ids).filter(is_open=False)
    first_year = on.year - settings.RETENTION_MONEY_YEARS
    needed = Q(captured_at__isnull=False, captured_at__year__gte=first_year)
    return mine.filter(needed), mine.exclude(needed)


def named(rows: QuerySet[Payment]) -> QuerySet[Payment]:
    """Those that still name somebody."""
    return rows.exclude(payer_name=NOBODY, payer_email="").exclude(
        payer_name__startswith="erased-", payer_email=""
    )


def strike_names(rows: QuerySet[Payment], *, pseudonym: str = NOBODY) -> int:
    """Replace the payer's name; empty the address, the words and the copy of the request."""
    keys = list(named(rows).values_list("pk", flat=True))
    PaymentLine.objects.filter(payment__in=keys).update(description=NOBODY)
    Refund.objects.filter(payment__in=keys).update(reason="")
    RefundApproval.objects.filter(payment__in=keys).update(reason="", note="")
    return Payment.objects.filter(pk__in=keys).update(
        payer_name=pseudonym, payer_email="", description=NOBODY, note="", request={}, hosted_url=""
    )


def strike_by_key(keys: list[Any]) -> int:
    return strike_names(Payment.objects.filter(pk__in=keys))


def strike_addresses(rows: QuerySet[Payment]) -> int:
    """Of a paid payment the law wants the name; the address and the hosted page may go."""
    return rows.exclude(payer_email="", request={}, hosted_url="").update(
        payer_email="", request={}, hosted_url=""
    )


def strike_child(name: str, student_ids: Collection[UUID]) -> int:
    """A child's name in the words of payments that never came about (fees writes "name: …")."""
    if not student_ids:
        return 0
    unpaid = Payment.objects.filter(is_open=False, captured_at__isnull=True)
    lines = PaymentLine.objects.filter(payment__in=unpaid)
    return lines.filter(description__startswith=f"{name}: ").update(description=NOBODY)


def strike_messages(payment_ids: Collection[UUID]) -> int:
    """Empty the gateway's messages about these payments, once they are worked off."""
    rows = ProviderEvent.objects.filter(payment_id__in=payment_ids).exclude(body="")
    return rows.exclude(state=ProviderEvent.RECEIVED).update(body="")


def strike_bodies(keys: list[Any]) -> int:
    return ProviderEvent.objects.filter(pk__in=keys).update(body="")


def purge_stories(keys: list[Any]) -> int:
    """End the stories of these payments, as the owner. Their rows stay, at version 0."""
    event_store.purge_streams(schema_name=current_school().schema_name, stream_ids=keys)
    return Payment.objects.filter(pk__in=keys).update(version=0)


def bank_lines_of(payer_ids: Iterable[UUID]) -> QuerySet[StatementLine]:
    """Lines of the bank statement that were recorded as payments of this payer."""
    mine = payments_of(payer_ids)
    return StatementLine.objects.filter(ties__payment__in=mine, ties__undone_at=None).distinct()


def strike_bank_names(name: str) -> int:
    """The words of lines that were never recorded and name this person."""
    if not name.strip():
        return 0
    free = StatementLine.objects.exclude(state=StatementLine.MATCHED)
    named = free.filter(Q(name__icontains=name) | Q(text__icontains=name))
    return named.update(name=NOBODY, text=NOBODY)


def strike_bank_lines(keys: list[Any]) -> int:
    return StatementLine.objects.filter(pk__in=keys).update(name="", text="")


def empty_statements(keys: list[Any]) -> int:
    rows = BankStatement.objects.filter(pk__in=keys, state=BankStatement.PREVIEW)
    return rows.update(state=BankStatement.DISCARDED, content=b"")
