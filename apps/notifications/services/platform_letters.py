"""What the platform tells the people who run the school: its plan, its trial, its invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from babel.dates import format_date
from django.utils import translation

from apps.identity import facade as identity
from apps.notifications.models import Message
from apps.notifications.services.composing import known_language
from apps.notifications.services.queueing import Recipient, queue_message
from apps.tenants import facade as tenants
from kernel.money import format_money
from kernel.schools import school_url

PLAN_PAGE = "/portal/settings/plan/"


def tell_of_limit(
    *, event_id: UUID, meter: str, level: int, value: int, limit: int, plan_name: str
) -> None:
    """The school's administrators learn that it comes near a limit, or has reached it."""
    for to in staff_with("admin"):
        with translation.override(known_language(to.language)):
            facts = {
                "plan": plan_name,
                "used": tenants.amount_text(meter, value),
                "limit": tenants.amount_text(meter, limit),
                "is_full": level >= 100,
            }
        _queue(event_id, Message.Kind.PLAN_LIMIT, to, facts)


def tell_of_trial(
    *,
    event_id: UUID,
    plan_name: str,
    ends_on: date,
    price_minor: int,
    currency: str,
    has_ended: bool,
) -> None:
    """The school's administrators learn when its trial ends, and what it costs from then on."""
    for to in staff_with("admin"):
        with translation.override(known_language(to.language)):
            price = format_money(price_minor, currency)
        facts = {"plan": plan_name, "ends_on": ends_on, "price": price, "has_ended": has_ended}
        _queue(event_id, Message.Kind.PLAN_TRIAL, to, facts)


def send_invoice(
    *,
    event_id: UUID,
    invoice_id: UUID,
    number: str,
    month: date,
    total_minor: int,
    currency: str,
    due_on: date,
) -> None:
    """Administrators and bursars get a link to the platform's invoice."""
    for to in staff_with("admin", "bursar"):
        language = known_language(to.language)
        with translation.override(language):
            facts = {
                "number": number,
                "month": format_date(month, "LLLL y", locale=translation.to_locale(language)),
                "total": format_money(total_minor, currency),
                "due_on": due_on,
            }
        link = school_url(f"{PLAN_PAGE}invoices/{invoice_id}/")
        _queue(event_id, Message.Kind.PLAN_INVOICE, to, facts, link)


def staff_with(*roles: str) -> Iterator[Recipient]:
    """Everybody with one of the roles, once."""
    found = {user.id: user for role in roles for user in identity.users_with_role(role)}
    for user in found.values():
        language = str(getattr(user, "language", "") or "")
        yield Recipient(address=user.email, name=user.name, user_id=user.id, language=language)


def _queue(
    event_id: UUID, kind: str, to: Recipient, facts: Mapping[str, Any], link: str = ""
) -> None:
    link = link or school_url(PLAN_PAGE)
    queue_message(event_id=event_id, kind=kind, to=to, facts=facts, link=link)
