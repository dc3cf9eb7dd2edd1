"""What waits for somebody at the school: the numbers on the tabs and on the portal's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from apps.payments import contracts, models
from apps.payments.choices import DISPUTE, INQUIRY
from apps.payments.selectors import holds, search_payments
from apps.payments.selectors.money_back import count_waiting_approvals


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many of each. `answer_by` is the nearest deadline of the disputes (UTC), if one is known;
    `payments` have something else to be decided: a mismatch, a refund made at the gateway."""

    approvals: int
    disputes: int
    answer_by: datetime | None
    holds: int
    payments: int


def waiting() -> Waiting:
    """Of the open school."""
    disputes = models.Dispute.objects.filter(
        status__in=(contracts.OPEN, contracts.INQUIRY)
    ).aggregate(number=Count("id"), answer_by=Min("due_by"))
    return Waiting(
        approvals=count_waiting_approvals(),
        disputes=disputes["number"],
        answer_by=disputes["answer_by"],
        holds=holds(state=models.FraudHold.OPEN).count(),
        payments=search_payments(attention=True).exclude(attention__in=(DISPUTE, INQUIRY)).count(),
    )
