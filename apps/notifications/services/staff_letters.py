"""What the school's own bursars and administrators are told about its money."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import translation

from apps.notifications.models import Message
from apps.notifications.services.composing import known_language
from apps.notifications.services.platform_letters import staff_with
from apps.notifications.services.queueing import queue_message
from apps.payments import facade as payments
from kernel.money import format_money
from kernel.schools import school_url

OPENED, WON, LOST, INQUIRY = "opened", "won", "lost", "inquiry"


def tell_of_dispute(
    *,
    event_id: UUID,
    stage: str,
    payment_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str = "",
    due_by: datetime | None = None,
) -> None:
    """A payer's bank wants money back, or has decided; `stage` is opened, won, lost or inquiry (it
    only asks). `reason`
    is the gateway's word for why."""
    payer = payments.get_payment(payment_id).payer_name
    page = "/portal/fees/disputes/" if stage == LOST else f"/portal/payments/{payment_id}/"
    for to in staff_with("admin", "bursar"):
        with translation.override(known_language(to.language)):
            facts = {
                "stage": stage,
                "payer": payer,
                "amount": format_money(amount_minor, currency),
                "why": payments.dispute_reason(reason),
                "due_by": due_by,
            }
        queue_message(
            event_id=event_id, kind=Message.Kind.DISPUTE, to=to, facts=facts, link=school_url(page)
        )
