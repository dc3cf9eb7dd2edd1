"""What the school writes to people about: one handler per piece of news.

Each queues messages in the transaction of its receipt, so a message exists exactly once. Only
the last handler talks to the mail server; it runs outside any transaction.
"""

from __future__ import annotations

from typing import Any

from apps.events.facade import Delivery, handles
from apps.notifications.models import Message
from apps.notifications.services import (
    autopay_letters,
    letters,
    platform_letters,
    reminders,
    staff_letters,
)
from apps.notifications.services import delivery as mail
from apps.notifications.services.queueing import Recipient


@handles("identity.user_invited", version=1)
def invite_user_on_user_invited(delivery: Delivery) -> None:
    event = delivery.event
    letters.invite_user(
        event_id=delivery.event_id,
        user_id=event.user_id,
        email=event.email,
        name=event.person_name,
        invitation_id=event.invitation_id,
    )


@handles("identity.password_reset_requested", version=1)
def send_reset_link_on_password_reset_requested(delivery: Delivery) -> None:
    event = delivery.event
    letters.reset_password(
        event_id=delivery.event_id,
        user_id=event.user_id,
        email=event.email,
        name=event.person_name,
        reset_id=event.reset_id,
    )


@handles("fees.family_billed", version=1)
def send_bill_on_family_billed(delivery: Delivery) -> None:
    event = delivery.event
    letters.bill_family(
        event_id=delivery.event_id,
        to=_guardian_of(event),
        guardian_id=event.guardian_id,
        invoice_ids=event.invoice_ids,
        total_minor=event.total_minor,
        currency=event.currency,
        due_on=event.due_on,
    )


@handles("fees.family_link_requested", version=1)
def send_link_on_family_link_requested(delivery: Delivery) -> None:
    event = delivery.event
    letters.send_family_link(
        event_id=delivery.event_id, to=_guardian_of(event), guardian_id=event.guardian_id
    )


@handles("fees.autopay_announced", version=1)
def tell_guardian_on_autopay_announced(delivery: Delivery) -> None:
    event = delivery.event
    autopay_letters.announce(
        event_id=delivery.event_id,
        to=_guardian_of(event),
        invoice_ids=event.invoice_ids,
        total_minor=event.total_minor,
        currency=event.currency,
        card=event.card,
        charge_on=event.charge_on,
        cover_minor=event.cover_minor,
    )


@handles("fees.autopay_failed", version=1)
def tell_guardian_on_autopay_failed(delivery: Delivery) -> None:
    event = delivery.event
    autopay_letters.tell_of_refusal(
        event_id=delivery.event_id,
        to=_guardian_of(event),
        total_minor=event.total_minor,
        currency=event.currency,
        card=event.card,
        reason=event.reason,
        retry_on=event.retry_on,
    )


@handles("fees.autopay_ended", version=1)
def tell_guardian_on_autopay_ended(delivery: Delivery) -> None:
    event = delivery.event
    autopay_letters.tell_of_end(
        event_id=delivery.event_id, to=_guardian_of(event), card=event.card, why=event.why
    )


def _guardian_of(event: object) -> Recipient:
    return Recipient(
        address=event.guardian_email,  # type: ignore[attr-defined]
        name=event.guardian_name,  # type: ignore[attr-defined]
        language=event.language,  # type: ignore[attr-defined]
        guardian_id=event.guardian_id,  # type: ignore[attr-defined]
    )


@handles("payments.payment_captured", version=1)
def send_receipt_on_payment_captured(delivery: Delivery) -> None:
    event = delivery.event
    letters.confirm_payment(
        event_id=delivery.event_id,
        payment_id=event.payment_id,
        payer_id=event.payer_id,
        payer_name=event.payer_name,
        payer_email=event.payer_email,
        lines=event.lines,
        amount_minor=event.amount_minor,
        currency=event.currency,
        captured_at=event.captured_at,
        cover_minor=event.cover_minor,
    )


@handles("payments.refund_completed", version=1)
def tell_payer_on_refund_completed(delivery: Delivery) -> None:
    event = delivery.event
    letters.confirm_refund(
        event_id=delivery.event_id,
        refund_id=event.refund_id,
        payment_id=event.payment_id,
        payer_id=event.payer_id,
        payer_name=event.payer_name,
        payer_email=event.payer_email,
        amount_minor=event.amount_minor,
        currency=event.currency,
        reason=event.reason,
        completed_at=event.completed_at,
    )


@handles("payments.dispute_opened", version=1)
def tell_staff_on_dispute_opened(delivery: Delivery) -> None:
    event = delivery.event
    stage = staff_letters.INQUIRY if event.inquiry else staff_letters.OPENED
    _tell_of_dispute(delivery, stage, reason=event.reason, due_by=event.due_by)


@handles("payments.dispute_won", version=1)
def tell_staff_on_dispute_won(delivery: Delivery) -> None:
    _tell_of_dispute(delivery, staff_letters.WON)


@handles("payments.dispute_lost", version=1)
def tell_staff_on_dispute_lost(delivery: Delivery) -> None:
    _tell_of_dispute(delivery, staff_letters.LOST)


def _tell_of_dispute(delivery: Delivery, stage: str, **more: Any) -> None:
    event = delivery.event
    staff_letters.tell_of_dispute(
        event_id=delivery.event_id,
        stage=stage,
        payment_id=event.payment_id,
        amount_minor=event.amount_minor,
        currency=event.currency,
        **more,
    )


@handles("activities.signup_confirmed", version=1)
def tell_family_on_signup_confirmed(delivery: Delivery) -> None:
    _tell_about_sign_up(delivery, Message.Kind.ACTIVITY_CONFIRMED)


@handles("activities.signup_waitlisted", version=1)
def tell_family_on_signup_waitlisted(delivery: Delivery) -> None:
    _tell_about_sign_up(delivery, Message.Kind.ACTIVITY_WAITLISTED)


@handles("activities.signup_promoted", version=1)
def tell_family_on_signup_promoted(delivery: Delivery) -> None:
    _tell_about_sign_up(delivery, Message.Kind.ACTIVITY_PROMOTED)


def _tell_about_sign_up(delivery: Delivery, kind: str) -> None:
    event = delivery.event
    letters.tell_about_sign_up(
        event_id=delivery.event_id,
        kind=kind,
        student_id=event.student_id,
        activity_title=event.activity_title,
        starts_at=event.starts_at,
        fee_minor=event.fee_minor,
        currency=event.currency,
    )


@handles("tenants.limit_reached", version=1)
def tell_admins_on_limit_reached(delivery: Delivery) -> None:
    event = delivery.event
    platform_letters.tell_of_limit(
        event_id=delivery.event_id,
        meter=event.meter,
        level=event.level,
        value=event.value,
        limit=event.limit,
        plan_name=event.plan_name,
    )


@handles("tenants.trial_ending", version=1)
def tell_admins_on_trial_ending(delivery: Delivery) -> None:
    event = delivery.event
    platform_letters.tell_of_trial(
        event_id=delivery.event_id,
        plan_name=event.plan_name,
        ends_on=event.ends_on,
        price_minor=event.price_minor,
        currency=event.currency,
        has_ended=event.has_ended,
    )


@handles("tenants.platform_invoice_issued", version=1)
def tell_admins_on_platform_invoice_issued(delivery: Delivery) -> None:
    event = delivery.event
    platform_letters.send_invoice(
        event_id=delivery.event_id,
        invoice_id=event.invoice_id,
        number=event.number,
        month=event.month,
        total_minor=event.total_minor,
        currency=event.currency,
        due_on=event.due_on,
    )


@handles("tenants.settings_changed", version=1)
def plan_reminders_on_settings_changed(delivery: Delivery) -> None:
    """Reminders begin on the day they are switched on."""
    if any(change.setting.startswith("reminders.") for change in delivery.event.changes):
        reminders.plan()


@handles("notifications.message_queued", version=1, external=True)
def send_on_message_queued(delivery: Delivery) -> None:
    mail.deliver(message_id=delivery.event.message_id, last_try=delivery.attempt >= mail.MAX_TRIES)
