"""What a guardian hears of automatic payment: before a charge, when a card is refused, at the end.

That a charge was made says the receipt, as of every payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.utils import translation

from apps.fees import facade as fees
from apps.notifications.models import Message
from apps.notifications.services.composing import known_language
from apps.notifications.services.letters import cover_line
from apps.notifications.services.queueing import Recipient, queue_message
from kernel.money import format_money


def announce(
    *,
    event_id: UUID,
    to: Recipient,
    invoice_ids: Sequence[UUID],
    total_minor: int,
    currency: str,
    card: str,
    charge_on: date,
    cover_minor: int = 0,
) -> None:
    """A card will be charged: when, how much and for what; the processing cost by itself."""
    due = [(row, row.due_minor(charge_on)) for row in fees.get_invoices(list(invoice_ids))]
    # Something may have been paid meanwhile: then the amounts of the lines are not the news.
    exact = sum(amount for _row, amount in due) == total_minor - cover_minor
    with translation.override(known_language(to.language)):
        facts = {
            "lines": [
                {
                    "description": f"{row.student_name}: {row.title}",
                    "amount": format_money(amount, row.currency) if exact else "",
                }
                for row, amount in due
            ]
            + cover_line(cover_minor, currency),
            "total": format_money(total_minor, currency),
            "card": card,
            "charge_on": charge_on,
        }
    _queue(event_id, Message.Kind.AUTOPAY_ANNOUNCED, to, facts)


def tell_of_refusal(
    *,
    event_id: UUID,
    to: Recipient,
    total_minor: int,
    currency: str,
    card: str,
    reason: str,
    retry_on: date,
) -> None:
    """The card was refused; with the link to pay, and when it is tried again."""
    with translation.override(known_language(to.language)):
        facts = {
            "total": format_money(total_minor, currency),
            "card": card,
            "bank_asks": reason == "authentication_required",
            "expired": reason == "expired_card",
            "retry_on": retry_on,
        }
    _queue(event_id, Message.Kind.AUTOPAY_FAILED, to, facts)


def tell_of_end(*, event_id: UUID, to: Recipient, card: str, why: str) -> None:
    """Automatic payment is off, and why."""
    facts = {
        "card": card,
        "refused": why == "failed",
        "card_gone": why == "card_gone",
        "moved": why == "account",
    }
    _queue(event_id, Message.Kind.AUTOPAY_ENDED, to, facts)


def _queue(event_id: UUID, kind: str, to: Recipient, facts: dict[str, Any]) -> None:
    link = fees.family_link_url(to.guardian_id) if to.guardian_id else ""
    queue_message(event_id=event_id, kind=kind, to=to, facts=facts, link=link)
