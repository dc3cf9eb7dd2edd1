"""What fees does when other apps tell news. Each effect is safe to hear twice."""

from apps.events.facade import Delivery, handles
from apps.fees.services.activities import bill_activity, unbill_activity
from apps.fees.services.allocation import Capture, allocate_capture, book_extra
from apps.fees.services.autopay import settle_payment
from apps.fees.services.disputes import Decided, book_loss, book_win
from apps.fees.services.links import revoke_links
from apps.fees.services.refunds import Refunded, book_refund, refund_failed


@handles("payments.payment_captured", version=1)
def settle_invoices_on_payment_captured(delivery: Delivery) -> None:
    event = delivery.event
    allocate_capture(
        Capture(
            payment_id=event.payment_id,
            payer_id=event.payer_id,
            payer_name=event.payer_name,
            method=event.method,
            amount_minor=event.amount_minor,
            currency=event.currency,
            lines=tuple((line.reference, line.amount_minor) for line in event.lines),
            captured_at=event.captured_at,
            cover_minor=event.cover_minor,
        )
    )


@handles("payments.extra_captured", version=1)
def keep_as_credit_on_extra_captured(delivery: Delivery) -> None:
    event = delivery.event
    book_extra(
        payment_id=event.payment_id,
        capture_id=event.capture_id,
        amount_minor=event.amount_minor,
        at=event.captured_at,
    )


@handles("payments.payment_captured", version=1)
def settle_autopay_on_payment_captured(delivery: Delivery) -> None:
    settle_payment(delivery.event.payment_id)


@handles("payments.payment_failed", version=1)
def settle_autopay_on_payment_failed(delivery: Delivery) -> None:
    settle_payment(delivery.event.payment_id)


@handles("payments.refund_completed", version=1)
def book_refund_on_refund_completed(delivery: Delivery) -> None:
    event = delivery.event
    book_refund(
        Refunded(
            refund_id=event.refund_id,
            payment_id=event.payment_id,
            amount_minor=event.amount_minor,
            reason=event.reason,
            completed_at=event.completed_at,
        )
    )


@handles("payments.refund_failed", version=1)
def undo_refund_on_refund_failed(delivery: Delivery) -> None:
    event = delivery.event
    refund_failed(
        refund_id=event.refund_id, payment_id=event.payment_id, amount_minor=event.amount_minor
    )


@handles("payments.dispute_lost", version=1)
def book_loss_on_dispute_lost(delivery: Delivery) -> None:
    book_loss(_decided(delivery))


@handles("payments.dispute_won", version=1)
def give_again_on_dispute_won(delivery: Delivery) -> None:
    book_win(_decided(delivery))


def _decided(delivery: Delivery) -> Decided:
    event = delivery.event
    return Decided(
        dispute_id=event.dispute_id,
        payment_id=event.payment_id,
        amount_minor=event.amount_minor,
        currency=event.currency,
        at=event.at,
    )


@handles("activities.signup_confirmed", version=1)
def bill_activity_on_signup_confirmed(delivery: Delivery) -> None:
    _bill(delivery)


@handles("activities.signup_promoted", version=1)
def bill_activity_on_signup_promoted(delivery: Delivery) -> None:
    _bill(delivery)


@handles("activities.signup_cancelled", version=1)
def take_charge_back_on_signup_cancelled(delivery: Delivery) -> None:
    unbill_activity(signup_id=delivery.event.signup_id)


@handles("students.guardian_emails_changed", version=1)
def revoke_links_on_guardian_emails_changed(delivery: Delivery) -> None:
    """A link in the old mailbox would open the family's page to whoever reads that mailbox."""
    for guardian_id in delivery.event.guardian_ids:
        revoke_links(guardian_id=guardian_id)


def _bill(delivery: Delivery) -> None:
    event = delivery.event
    bill_activity(
        signup_id=event.signup_id,
        activity_title=event.activity_title,
        student_id=event.student_id,
        fee_minor=event.fee_minor,
        currency=event.currency,
    )
