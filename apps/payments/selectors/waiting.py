"""What waits for somebody at the school: the numbers on the tabs and on the portal's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from apps.payments import contracts, models
from apps.payments.choices import DISPUTE, INQUIRY
from apps.payments.selectors import holds, search_payments
from apps.payments.selectors.money_back import count_waiting_approvals


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many of each. `answer_by` and `reply_by` are the nearest deadlines of the disputes and of
    the inquiries (UTC), if one is known; `payments` have something else to be decided: a mismatch,
    a refund made at the gateway."""

    approvals: int
    disputes: int
    answer_by: datetime | None
    inquiries: int
    reply_by: datetime | None
    holds: int
    payments: int


def waiting() -> Waiting:
    """Of the open school."""
    opened, inquiry = Q(status=contracts.OPEN), Q(status=contracts.INQUIRY)
    asked = models.Dispute.objects.filter(opened | inquiry).aggregate(
        disputes=Count("id", filter=opened),
        answer_by=Min("due_by", filter=opened),
        inquiries=Count("id", filter=inquiry),
        reply_by=Min("due_by", filter=inquiry),
    )
    return Waiting(
        approvals=count_waiting_approvals(),
        **asked,
        holds=holds(state=models.FraudHold.OPEN).count(),
        payments=search_payments(attention=True).exclude(attention__in=(DISPUTE, INQUIRY)).count(),
    )
