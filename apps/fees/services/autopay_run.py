"""The daily run of automatic payment: announce what comes, charge what is due."""

import logging
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.fees.contracts import InvoiceInfo
from apps.fees.models import Autopay, AutopayCharge
from apps.fees.preferences import AUTOPAY, USE_CREDIT
from apps.fees.services import autopay
from apps.fees.services.allocation import catch_up_references, use_credit
from apps.fees.services.checkout import Bill, still_owed
from apps.fees.services.counter import payment_lines
from apps.payments import facade as payments
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.errors import DomainError, NotFound
from kernel.schools import current_school, today

logger = logging.getLogger(__name__)
CHARGE_FROM = time(8)  # the school's own time: nobody's card is charged at night
ASK_AGAIN_AFTER = timedelta(hours=1)
# A charge that cannot be made for so long (somebody's page stays open, the school takes no
# payments) is given up; what is due is announced anew.
GIVEN_UP_AFTER = timedelta(days=7)


def run() -> int:
    """Do what is to be done now; returns how many guardians' automatic payments were looked at."""
    if not AUTOPAY.value or _local_now().time() < CHARGE_FROM:
        return 0
    keys = list(Autopay.objects.filter(ended_at=None).values_list("pk", flat=True))
    for key in keys:
        try:
            _work_on(key)
        except DomainError as error:
            logger.info("automatic payment %s waits: %s", key, error)
        except Exception:
            # One odd guardian must not keep the others waiting.
            logger.exception("automatic payment %s could not be worked on", key)
    return len(keys)


def next_due() -> datetime | None:
    """When there is something to do again (UTC): within the hour while a charge of today is not
    settled, else tomorrow morning; None when nobody has it on."""
    if not AUTOPAY.value or not Autopay.objects.filter(ended_at=None).exists():
        return None
    now = _local_now()
    waiting = AutopayCharge.objects.filter(state=autopay.State.ANNOUNCED, on__lte=now.date())
    if now.time() >= CHARGE_FROM and waiting.exists():
        return timezone.now() + ASK_AGAIN_AFTER
    day = now.date() + timedelta(days=now.time() >= CHARGE_FROM)
    return datetime.combine(day, CHARGE_FROM, tzinfo=now.tzinfo).astimezone(ZoneInfo("UTC"))


def _local_now() -> datetime:
    return timezone.now().astimezone(ZoneInfo(current_school().time_zone))


def _work_on(autopay_id: UUID) -> None:
    row = Autopay.objects.get(pk=autopay_id)
    charge = autopay.next_charge(row)
    if charge is None:
        if not autopay.end_if_stranded(autopay_id):
            autopay.announce(autopay_id)
    elif charge.on <= today():
        carry_out(row, charge)


def carry_out(row: Autopay, charge: AutopayCharge) -> None:
    """Charge the card once for this charge, or find out what became of it. Talks to the gateway:
    call outside a transaction. Raises PaymentInProgress and the like: it is tried again later."""
    known = payments.payment_of_key(_key(charge))
    if known is not None:
        autopay.settle(charge.pk, payments.sync(known.id) if known.is_open else known)
    elif charge.on < today() - GIVEN_UP_AFTER:
        autopay.skip(charge)
    else:
        _charge(row, charge)


def _charge(row: Autopay, charge: AutopayCharge) -> None:
    if autopay.end_if_stranded(row.pk) or not payments.can_take_payments():
        return
    try:
        guardian = students.get_guardian(row.guardian_id)
    except NotFound:
        autopay.stop(guardian_id=row.guardian_id)
        return
    cards = {card.id: card for card in payments.saved_methods(row.guardian_id)}
    if row.method_id not in cards:
        return  # removed a moment ago: the next run ends it
    catch_up_references(invoice.id for invoice in autopay.due_by(row, charge.on))
    _use_credit(row, charge, guardian)
    due = autopay.due_by(row, charge.on)
    if not due:
        autopay.skip(charge)
        return
    bill = _bill(charge, due, guardian, account_id=cards[row.method_id].account_id)
    info = payments.charge_saved_method(
        bill.order(_key(charge)),
        method_id=row.method_id,
        make_room=False,
        still_wanted=lambda: _is_on(row) and still_owed(bill.lines),
    )
    autopay.settle(charge.pk, info)


def _bill(
    charge: AutopayCharge, due: list[InvoiceInfo], guardian: GuardianInfo, *, account_id: UUID
) -> Bill:
    total = sum(invoice.balance_minor for invoice in due)
    return Bill(
        guardian=guardian,
        lines=tuple(payment_lines(due, amount_minor=total, payer_id=guardian.id)),
        amount_minor=total,
        cover_minor=autopay.cover_of(charge, total),
        account_id=account_id,
    )


def _is_on(row: Autopay) -> bool:
    """Turned off a moment ago is off."""
    return Autopay.objects.filter(pk=row.pk, ended_at=None).exists()


def _use_credit(row: Autopay, charge: AutopayCharge, guardian: GuardianInfo) -> None:
    if not USE_CREDIT.value:
        return
    due = autopay.due_by(row, charge.on)
    use_credit(
        household_id=guardian.household_id,
        invoice_ids=[invoice.id for invoice in due],
        most_minor=sum(invoice.balance_minor for invoice in due),
        token=charge.pk,
    )


def _key(charge: AutopayCharge) -> str:
    return f"autopay:{charge.pk}:{charge.unsent}"
