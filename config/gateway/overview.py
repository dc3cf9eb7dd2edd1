"""The portal's first page, put together from the apps' facades: one call each, and only what the
person who asks may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.activities import facade as activities
from apps.activities.permissions import VIEW_ACTIVITIES
from apps.fees import facade as fees
from apps.fees.permissions import VIEW_FEES
from apps.notifications import facade as notifications
from apps.notifications.permissions import VIEW_MESSAGES
from apps.payments import facade as payments
from apps.payments.permissions import MANAGE_ACCOUNTS, VIEW_PAYMENTS
from apps.students import facade as students
from apps.students.permissions import VIEW_STUDENTS
from apps.website import facade as website
from config.gateway.attention import Attention, payments_waiting
from kernel.money import format_money
from kernel.schools import today

UPCOMING_DAYS = 14
UPCOMING_SHOWN = 6
PAYMENTS_SHOWN = 6
NEWS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One number of the first row; `tone` is "", "ok" or "bad"."""

    label: str
    value: str
    hint: str = ""
    url: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    stats: list[Stat] = field(default_factory=list)
    attention: list[Attention] = field(default_factory=list)
    upcoming: list[Any] | None = None  # None: not for this person
    payments: list[Any] | None = None
    news: list[Any] = field(default_factory=list)


def overview_for(user: Any) -> Overview:
    """What this person sees on opening the portal; parts they may not see are left out."""
    people = students.counts() if user.can(VIEW_STUDENTS) else None
    money = fees.money_totals() if user.can(VIEW_FEES) else None
    messages = notifications.counts() if user.can(VIEW_MESSAGES) else None
    recent = payments.list_payments(limit=PAYMENTS_SHOWN) if user.can(VIEW_PAYMENTS) else None
    return Overview(
        stats=[
            *_people_stats(people),
            *_money_stats(money, sees_payments=user.can(VIEW_PAYMENTS)),
        ],
        attention=[
            *_money_attention(money),
            *_gateway_attention(user),
            *(payments_waiting() if user.can(VIEW_PAYMENTS) else ()),
            *_message_attention(messages),
            *_people_attention(people),
        ],
        upcoming=_upcoming() if user.can(VIEW_ACTIVITIES) else None,
        payments=recent,
        news=website.latest_news(limit=NEWS_SHOWN),
    )


# The numbers ----------------------------------------------------------------------------------


def _people_stats(people: Any) -> Iterator[Stat]:
    if people is None:
        return
    hint = ngettext("%(count)d family", "%(count)d families", people.families)
    yield Stat(
        label=_("Students"),
        value=str(people.students),
        hint=hint % {"count": people.families},
        url="/portal/students/",
    )


def _money_stats(money: Any, *, sees_payments: bool) -> Iterator[Stat]:
    if money is None:
        return
    hint = ngettext("%(count)d open invoice", "%(count)d open invoices", money.invoices_open)
    yield Stat(
        label=_("Owed to the school"),
        value=format_money(money.outstanding_minor, money.currency),
        hint=hint % {"count": money.invoices_open},
        url="/portal/fees/invoices/?status=open",
    )
    yield Stat(
        label=pgettext("amount", "Overdue"),
        value=format_money(money.overdue_minor, money.currency),
        hint=_("past the due date"),
        url="/portal/fees/invoices/?status=overdue",
        tone="bad" if money.overdue_minor else "",
    )
    yield Stat(
        label=_("Collected this month"),
        value=format_money(money.collected_month_minor, money.currency),
        hint=_last_days() if sees_payments else _("refunds taken off"),
        url="/portal/payments/" if sees_payments else "/portal/fees/invoices/",
    )


def _last_days() -> str:
    taken = payments.takings(today() - timedelta(days=6), today())
    amount = format_money(taken.captured_minor - taken.refunded_minor, taken.currency)
    return _("%(amount)s in the last 7 days") % {"amount": amount}


# What waits for somebody ----------------------------------------------------------------------


def _money_attention(money: Any) -> Iterator[Attention]:
    if money is None or not money.overdue_minor:
        return
    amount = format_money(money.overdue_minor, money.currency)
    yield Attention(
        text=_("%(amount)s is past its due date.") % {"amount": amount},
        url="/portal/fees/invoices/?status=overdue",
        action=_("See who owes"),
        tone="bad",
    )


def _gateway_attention(user: Any) -> Iterator[Attention]:
    if not user.can(MANAGE_ACCOUNTS) or payments.can_take_payments():
        return
    yield Attention(
        text=_("Families cannot pay online yet: no payment gateway is connected."),
        url="/portal/payments/accounts/",
        action=_("Connect one"),
    )


def _message_attention(messages: Any) -> Iterator[Attention]:
    if messages is None or not messages.failed:
        return
    text = ngettext(
        "%(count)d message could not be delivered.",
        "%(count)d messages could not be delivered.",
        messages.failed,
    )
    yield Attention(
        text=text % {"count": messages.failed},
        url="/portal/messages/?status=failed",
        action=_("Look and try again"),
        tone="bad",
    )


def _people_attention(people: Any) -> Iterator[Attention]:
    if people is None or not people.guardians_without_email:
        return
    text = ngettext(
        "%(count)d guardian has no e-mail address and gets no bills by mail.",
        "%(count)d guardians have no e-mail address and get no bills by mail.",
        people.guardians_without_email,
    )
    yield Attention(
        text=text % {"count": people.guardians_without_email},
        url="/portal/students/guardians/?email=none",
        action=_("Add addresses"),
    )


def _upcoming() -> list[Any]:
    now = timezone.now()
    items = activities.upcoming(since=now, until=now + timedelta(days=UPCOMING_DAYS))
    return list(items)[:UPCOMING_SHOWN]
