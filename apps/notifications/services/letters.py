"""What each kind of message says: facts from the other apps, put into the recipient's words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from apps.fees import facade as fees
from apps.fees.contracts import InvoiceInfo
from apps.identity import facade as identity
from apps.notifications.models import Message
from apps.notifications.services.composing import known_language
from apps.notifications.services.queueing import Recipient, queue_message
from apps.payments import facade as payments
from apps.payments.contracts import RefundInfo
from apps.students import facade as students
from kernel.errors import NotFound
from kernel.money import format_money

NEWS = timedelta(days=30)


class BilledLine(Protocol):
    """A line of a payment, as its event carries it."""

    description: str
    amount_minor: int


def invite_user(
    *, event_id: UUID, user_id: UUID, email: str, name: str, invitation_id: UUID
) -> None:
    """The link with which an invited person sets a password."""
    queue_message(
        event_id=event_id,
        kind=Message.Kind.INVITATION,
        to=Recipient(address=email, name=name, user_id=user_id, language=_of_user(user_id)),
        facts={},
        link=identity.invitation_url(invitation_id),
    )


def reset_password(*, event_id: UUID, user_id: UUID, email: str, name: str, reset_id: UUID) -> None:
    """The link with which somebody chooses a new password."""
    queue_message(
        event_id=event_id,
        kind=Message.Kind.PASSWORD_RESET,
        to=Recipient(address=email, name=name, user_id=user_id, language=_of_user(user_id)),
        facts={},
        link=identity.password_reset_url(reset_id),
    )


def _of_user(user_id: UUID) -> str:
    return str(getattr(identity.get_user(user_id), "language", "") or "")


def bill_family(
    *,
    event_id: UUID,
    to: Recipient,
    guardian_id: UUID,
    invoice_ids: Sequence[UUID],
    total_minor: int,
    currency: str,
    due_on: date | None,
) -> None:
    """One message for all children of one guardian, with a link that opens and pays the bill."""
    if not to.address:
        return
    invoices = fees.get_invoices(list(invoice_ids))
    # A charge may have joined an invoice that was there before: its total is then not the news.
    exact = sum(invoice.charged_minor for invoice in invoices) == total_minor
    with translation.override(known_language(to.language)):
        facts = {
            "children": _children(invoices, with_amounts=exact),
            "total": format_money(total_minor, currency),
            "due_on": due_on,
        }
    queue_message(
        event_id=event_id,
        kind=Message.Kind.FAMILY_BILLED,
        to=to,
        facts=facts,
        link=fees.family_link_url(guardian_id),
    )


def _children(invoices: Sequence[InvoiceInfo], *, with_amounts: bool) -> list[dict[str, Any]]:
    children: dict[UUID, dict[str, Any]] = {}
    for invoice in invoices:
        child = children.setdefault(invoice.student_id, {"name": invoice.student_name, "lines": []})
        amount = format_money(invoice.charged_minor, invoice.currency) if with_amounts else ""
        child["lines"].append({"description": invoice.title, "amount": amount})
    return list(children.values())


def send_family_link(*, event_id: UUID, to: Recipient, guardian_id: UUID) -> None:
    """A fresh link to the family's account."""
    queue_message(
        event_id=event_id,
        kind=Message.Kind.FAMILY_LINK,
        to=to,
        facts={},
        link=fees.family_link_url(guardian_id),
    )


def confirm_payment(
    *,
    event_id: UUID,
    payment_id: UUID,
    payer_id: UUID,
    payer_name: str,
    payer_email: str,
    lines: Sequence[BilledLine],
    amount_minor: int,
    currency: str,
    captured_at: datetime,
    cover_minor: int = 0,
) -> None:
    """The receipt of a payment, to the payer, also for cash at the counter. A payment of long ago
    that is written down only now is history, not news: nobody is told."""
    if captured_at < timezone.now() - NEWS:
        return
    to = _payer(payer_id, payer_name, payer_email)
    link = _receipt_link(payment_id, to)
    with translation.override(known_language(to.language)):
        facts = {
            "lines": [
                {
                    "description": line.description,
                    "amount": format_money(line.amount_minor, currency),
                }
                for line in lines
            ]
            + cover_line(cover_minor, currency),
            "total": format_money(amount_minor, currency),
            "paid_at": captured_at,
            "has_link": bool(link),
        }
    queue_message(event_id=event_id, kind=Message.Kind.RECEIPT, to=to, facts=facts, link=link)


def cover_line(cover_minor: int, currency: str) -> list[dict[str, str]]:
    """What the payer adds for the processing cost, as a line like the others; none for nothing."""
    if not cover_minor:
        return []
    return [{"description": _("Processing cost"), "amount": format_money(cover_minor, currency)}]


def confirm_refund(
    *,
    event_id: UUID,
    refund_id: UUID,
    payment_id: UUID,
    payer_id: UUID,
    payer_name: str,
    payer_email: str,
    amount_minor: int,
    currency: str,
    reason: str,
    completed_at: datetime,
) -> None:
    """That money was sent back, and how much; that a payment did not count after all; or that it
    was recorded for the wrong family."""
    to = _payer(payer_id, payer_name, payer_email)
    link, refund = _receipt_link(payment_id, to), _refund(payment_id, refund_id)
    with translation.override(known_language(to.language)):
        facts = {
            "total": format_money(amount_minor, currency),
            "refunded_at": completed_at,
            "returned": refund is not None and refund.returned,
            "mistaken": refund is not None and refund.mistaken,
            "reason": reason,
            "has_link": bool(link),
        }
    queue_message(event_id=event_id, kind=Message.Kind.REFUND, to=to, facts=facts, link=link)


def _refund(payment_id: UUID, refund_id: UUID) -> RefundInfo | None:
    """A bounced cheque is booked like a refund, and nobody was sent anything: it says which."""
    try:
        refunds = payments.get_payment(payment_id).refunds
    except NotFound:
        return None
    return next((refund for refund in refunds if refund.id == refund_id), None)


def _payer(payer_id: UUID, name: str, email: str) -> Recipient:
    """The payer as a guardian of the school, or by what the payment says when there is none."""
    try:
        guardian = students.get_guardian(payer_id)
    except NotFound:
        return Recipient(address=email, name=name)
    return Recipient(
        address=email or guardian.email,
        name=name or guardian.name,
        language=guardian.language,
        guardian_id=guardian.id,
    )


def _receipt_link(payment_id: UUID, to: Recipient) -> str:
    return fees.receipt_url(payment_id, to.guardian_id) if to.guardian_id else ""


def tell_about_sign_up(
    *,
    event_id: UUID,
    kind: str,
    student_id: UUID,
    activity_title: str,
    starts_at: datetime,
    fee_minor: int,
    currency: str,
) -> None:
    """Tell every guardian of the child who pays and has an address where the sign-up stands."""
    child = students.get_student(student_id)
    guardians = students.guardians_of([student_id]).get(student_id, [])
    for guardian in (one for one in guardians if one.email):
        to = Recipient(
            address=guardian.email,
            name=guardian.name,
            language=guardian.language,
            guardian_id=guardian.id,
        )
        with translation.override(known_language(to.language)):
            fee = format_money(fee_minor, currency) if fee_minor else ""
        queue_message(
            event_id=event_id,
            kind=kind,
            to=to,
            facts={
                "child": child.name,
                "activity": activity_title,
                "starts_at": starts_at,
                "fee": fee if kind != Message.Kind.ACTIVITY_WAITLISTED else "",
            },
            link=fees.family_link_url(guardian.id),
        )
