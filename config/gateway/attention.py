"""What the portal's first page says waits for a person, of payments one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.payments import facade as payments
from kernel.templatetags import day


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Something that waits for a person; `tone` is "bad" or "warn"."""

    text: str
    url: str
    action: str
    tone: str = "warn"


def payments_waiting() -> Iterator[Attention]:
    """What somebody has to decide about payments, the most urgent first."""
    waiting = payments.waiting()
    if waiting.disputes:
        yield _disputes(waiting.disputes, waiting.answer_by)
    if waiting.inquiries:
        yield _inquiries(waiting.inquiries, waiting.reply_by)
    if waiting.payments:
        yield _decisions(waiting.payments)
    if waiting.approvals:
        yield _approvals(waiting.approvals)
    if waiting.holds:
        yield _holds(waiting.holds)


def _disputes(number: int, answer_by: datetime | None) -> Attention:
    text = ngettext(
        "A payer’s bank disputes %(count)d payment.",
        "Payers’ banks dispute %(count)d payments.",
        number,
    ) % {"count": number}
    return _to_answer(text, answer_by, tone="bad")


def _inquiries(number: int, reply_by: datetime | None) -> Attention:
    text = ngettext(
        "A payer’s bank asks about %(count)d payment.",
        "Payers’ banks ask about %(count)d payments.",
        number,
    ) % {"count": number}
    return _to_answer(text, reply_by, tone="warn")


def _to_answer(text: str, by: datetime | None, *, tone: str) -> Attention:
    if by is not None:
        text = f"{text} {_('Answer until %(day)s.') % {'day': day(by)}}"
    return Attention(text=text, url="/portal/payments/disputes/", action=_("Answer"), tone=tone)


def _decisions(number: int) -> Attention:
    text = ngettext(
        "%(count)d payment needs a decision.", "%(count)d payments need a decision.", number
    )
    url = "/portal/payments/?attention=on"
    return Attention(text=text % {"count": number}, url=url, action=_("Decide"))


def _approvals(number: int) -> Attention:
    text = ngettext(
        "%(count)d refund waits for a second person.",
        "%(count)d refunds wait for a second person.",
        number,
    )
    url = "/portal/payments/approvals/"
    return Attention(text=text % {"count": number}, url=url, action=_("Decide"))


def _holds(number: int) -> Attention:
    text = ngettext(
        "%(count)d family or address is blocked after odd payments.",
        "%(count)d families or addresses are blocked after odd payments.",
        number,
    )
    url = "/portal/payments/blocked/"
    return Attention(text=text % {"count": number}, url=url, action=_("Decide"))
