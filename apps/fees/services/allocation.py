"""Where a payment's money goes. For every payment, always:
allocations + credit + cover = captured - refunded - lost to disputes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from apps.events import facade as events
from apps.fees.events import InvoiceSettled, PaymentBooked
from apps.fees.models import Allocation, Cover, Credit, FamilyAccount, Invoice, Receipt
from apps.fees.selectors import invoices, receipts
from apps.fees.selectors.ledger import sums
from apps.fees.services.numbers import take_numbers
from apps.fees.services.split import split_capture
from apps.payments import facade as payments
from apps.payments.contracts import PAID_STATUSES, PaymentInfo
from apps.students import facade as students
from apps.students.contracts import StudentInfo
from kernel.errors import NotFound
from kernel.schools import current_school, today


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Money that came in. `lines` are (reference, amount): which invoices the payer chose;
    `cover_minor`: what of the amount was added to them for the cost of processing."""

    payment_id: UUID
    payer_id: UUID
    payer_name: str
    method: str
    amount_minor: int
    currency: str
    lines: tuple[tuple[str, int], ...]
    captured_at: datetime
    cover_minor: int = 0


@transaction.atomic
def allocate_capture(capture: Capture) -> bool:
    """Give a captured payment to invoices and write its receipt; False if that was done before.

    The cover is what it was agreed to be: of money that came short, invoices get less. The order of
    locks is account, then invoices by key; sums are read after both.
    """
    chosen = _chosen(capture.lines)
    account = lock_account(_household(capture.payer_id, chosen))
    if receipts.has_receipt(payment_id=capture.payment_id):
        return False
    _write_receipt(capture, account)
    wanted = _wanted(capture, chosen)
    cover = min(capture.cover_minor, capture.amount_minor)
    given, credit = split_capture(
        amount=capture.amount_minor - cover,
        chosen=chosen,
        balances=wanted,
        order=invoices.parts_in_order(wanted),
    )
    on = school_day(capture.captured_at)
    _write_allocations(capture, given, on=on)
    if cover:
        write_cover(
            payment_id=capture.payment_id,
            kind=Cover.Kind.PAYMENT,
            amount_minor=cover,
            source_id=capture.payment_id,
            on=on,
        )
    if credit:
        write_credit(
            account=account,
            payment_id=capture.payment_id,
            kind=Credit.Kind.OVERPAID,
            amount_minor=credit,
            source_id=capture.payment_id,
            on=on,
        )
    announce_settled(before=wanted, given=given)
    announce_booked([capture.payment_id])
    return True


@transaction.atomic
def book_extra(*, payment_id: UUID, capture_id: str, amount_minor: int, at: datetime) -> bool:
    """More money of a payment that was booked before is the family's credit; False if done before.

    Raises Receipt.DoesNotExist while the payment itself is not booked: try later.
    """
    receipt = Receipt.objects.get(payment_id=payment_id)
    account = lock_account(receipt.account_id)
    source_id = uuid5(payment_id, capture_id)
    if account.credits.filter(kind=Credit.Kind.EXTRA, source_id=source_id).exists():
        return False
    write_credit(
        account=account,
        payment_id=payment_id,
        kind=Credit.Kind.EXTRA,
        amount_minor=amount_minor,
        source_id=source_id,
        on=school_day(at),
    )
    announce_booked([payment_id])
    return True


def catch_up(infos: Iterable[PaymentInfo]) -> int:
    """Allocate paid payments whose event has not been handled yet, so that a page never shows
    money as owed that the family has paid; returns how many. The event then finds it done."""
    paid = {info.id: info for info in infos if info.status in PAID_STATUSES}
    fresh = receipts.unreceipted(payment_ids=paid)
    return sum(allocate_capture(_from_info(paid[payment_id])) for payment_id in sorted(fresh))


def catch_up_references(invoice_ids: Iterable[UUID]) -> int:
    """The same for every payment that names one of these invoices."""
    return catch_up(payments.payments_for([str(key) for key in invoice_ids]))


def _from_info(info: PaymentInfo) -> Capture:
    return Capture(
        payment_id=info.id,
        payer_id=info.payer_id,
        payer_name=info.payer_name,
        method=info.method,
        amount_minor=info.captured_minor,
        currency=info.currency,
        lines=tuple((line.reference, line.amount_minor) for line in info.lines),
        captured_at=info.captured_at or info.started_at,
        cover_minor=info.cover_minor,
    )


def _chosen(lines: Iterable[tuple[str, int]]) -> list[tuple[UUID, int]]:
    """The lines whose reference is an invoice of this school."""
    parsed = [(_uuid(reference), amount) for reference, amount in lines]
    ids = [key for key, _ in parsed if key]
    known = set(Invoice.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return [(key, amount) for key, amount in parsed if key in known]


def _uuid(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


def _household(payer_id: UUID, chosen: Sequence[tuple[UUID, int]]) -> UUID:
    """Whose credit it becomes: the payer's family, or else the family of the first student. Money
    that somebody else brings to the counter has the student as its payer."""
    try:
        return students.get_guardian(payer_id).household_id
    except NotFound:
        pass
    first = Invoice.objects.filter(pk__in=[key for key, _ in chosen]).first()
    try:
        return students.get_student(first.student_id if first else payer_id).household_id
    except NotFound:
        return payer_id


def lock_account(household_id: UUID) -> FamilyAccount:
    """The family's account, locked until the transaction ends."""
    rows = FamilyAccount.objects.select_for_update().filter(household_id=household_id)
    found = rows.first()
    if found is None:
        FamilyAccount.objects.get_or_create(household_id=household_id)
        found = rows.get()
    return found


def lock_balances(
    invoice_ids: Iterable[UUID], *, student_ids: Collection[UUID] = ()
) -> dict[UUID, int]:
    """Lock these invoices, and all of these students, in key order; then read what each still
    wants, oldest due first."""
    which = Q(pk__in=list(invoice_ids))
    if student_ids:
        which |= Q(student_id__in=student_ids)
    rows = Invoice.objects.filter(which).select_for_update().order_by("pk")
    locked = sorted(rows.values_list("due_on", "number", "pk"))
    return invoices.plain_balances(invoice_ids=[key for _due, _number, key in locked])


def _wanted(capture: Capture, chosen: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    """Balances of the chosen invoices and of all others the payer could owe."""
    if capture.currency != current_school().currency:
        return {}
    mine = [child.id for child in _children(capture.payer_id)]
    return lock_balances([key for key, _ in chosen], student_ids=mine)


def _children(payer_id: UUID) -> list[StudentInfo]:
    """Nobody's, when the payer is not a guardian: a grandparent at the counter, say."""
    try:
        return students.children_of(payer_id)
    except NotFound:
        return []


def school_day(at: datetime) -> date:
    """The day in the school's own zone."""
    return at.astimezone(ZoneInfo(current_school().time_zone)).date()


def _write_receipt(capture: Capture, account: FamilyAccount) -> None:
    year = school_day(capture.captured_at).year
    Receipt.objects.create(
        number=take_numbers(kind="receipt", year=year)[0],
        payment_id=capture.payment_id,
        account=account,
        payer_id=capture.payer_id,
        payer_name=capture.payer_name,
        method=capture.method,
        amount_minor=capture.amount_minor,
        currency=capture.currency,
        paid_at=capture.captured_at,
    )


def _write_allocations(capture: Capture, given: Mapping[UUID, int], *, on: date) -> None:
    Allocation.objects.bulk_create(
        Allocation(
            invoice_id=invoice_id,
            payment_id=capture.payment_id,
            kind=Allocation.Kind.PAYMENT,
            amount_minor=amount,
            source_id=capture.payment_id,
            booked_on=on,
        )
        for invoice_id, amount in given.items()
    )


def write_credit(
    *,
    account: FamilyAccount,
    payment_id: UUID,
    kind: str,
    amount_minor: int,
    source_id: UUID,
    on: date,
) -> None:
    Credit.objects.create(
        account=account,
        payment_id=payment_id,
        kind=kind,
        amount_minor=amount_minor,
        currency=current_school().currency,
        source_id=source_id,
        booked_on=on,
    )


def write_cover(
    *, payment_id: UUID, kind: str, amount_minor: int, source_id: UUID, on: date
) -> None:
    """Book what a payment brings for its processing cost, or (below zero) what goes back."""
    Cover.objects.create(
        payment_id=payment_id,
        kind=kind,
        amount_minor=amount_minor,
        currency=current_school().currency,
        source_id=source_id,
        booked_on=on,
    )


def announce_settled(*, before: Mapping[UUID, int], given: Mapping[UUID, int]) -> None:
    """Publish InvoiceSettled for each invoice that these amounts brought down to zero."""
    done = [key for key, amount in given.items() if amount and before[key] == amount]
    for row in Invoice.objects.filter(pk__in=done).order_by("pk"):
        event = InvoiceSettled(invoice_id=row.id, student_id=row.student_id)
        events.publish(event, stream_type="invoice", stream_id=row.id)


def announce_booked(payment_ids: Iterable[UUID]) -> None:
    """Tell payments what each of these comes to in the books, once all of it is written. The
    account is locked, so whoever tells later knows more."""
    ids = list(payment_ids)
    allocated, credit, cover = (sums(model, ids) for model in (Allocation, Credit, Cover))
    for payment_id in ids:
        event = PaymentBooked(
            payment_id=payment_id,
            allocated_minor=allocated.get(payment_id, 0),
            credited_minor=credit.get(payment_id, 0),
            covered_minor=cover.get(payment_id, 0),
            booked_at=timezone.now(),
        )
        events.publish(event, stream_type="payment", stream_id=payment_id)


@transaction.atomic
def use_credit(
    *, household_id: UUID, invoice_ids: Sequence[UUID], most_minor: int, token: UUID
) -> int:
    """Pay invoices (oldest due first) from the family's credit, at most `most_minor`.

    Repeating it with the same token changes nothing and returns the same amount. Raises
    PaymentInProgress or AlreadyPaid while a payment for one of the invoices is on its way.
    """
    account = lock_account(household_id)
    if used := credit_used(household_id=household_id, token=token):
        return used
    wanted = lock_balances(invoice_ids)
    _refuse_moving(wanted)
    left, total_given, touched = most_minor, dict.fromkeys(wanted, 0), []
    for payment_id, unused in _unused_credit(account):
        rest = {key: wanted[key] - total_given[key] for key in wanted}
        given, _ = split_capture(
            amount=min(left, unused),
            chosen=(),
            balances=rest,
            order=invoices.parts_in_order(rest),
        )
        _move_credit(account, payment_id, given, token=token)
        touched += [payment_id] if given else []
        for key, amount in given.items():
            total_given[key] += amount
        left -= sum(given.values())
    announce_settled(before=wanted, given=total_given)
    announce_booked(touched)
    return most_minor - left


def credit_used(*, household_id: UUID, token: UUID) -> int:
    """What `use_credit` has spent under this token."""
    rows = Credit.objects.filter(account_id=household_id, kind=Credit.Kind.USED, source_id=token)
    return -int(rows.aggregate(total=Sum("amount_minor"))["total"] or 0)


def moving_payments(invoice_ids: Iterable[UUID]) -> list[PaymentInfo]:
    """Payments that may still bring money for one of these invoices: those that are open, and
    those that are paid but not allocated yet. Certain only while the invoices are locked."""
    infos = payments.payments_for([str(key) for key in invoice_ids])
    paid = {info.id for info in infos if info.status in PAID_STATUSES}
    coming = receipts.unreceipted(payment_ids=paid)
    return [info for info in infos if info.is_open or info.id in coming]


def _refuse_moving(invoice_ids: Iterable[UUID]) -> None:
    for info in moving_payments(invoice_ids):
        if not info.is_open:
            raise payments.AlreadyPaid(payment_id=info.id)
        raise payments.PaymentInProgress(
            payment_id=info.id, payer_id=info.payer_id, started_at=info.started_at
        )


def _unused_credit(account: FamilyAccount) -> list[tuple[UUID, int]]:
    """(payment, what is left of its credit), oldest payment first."""
    rows = account.credits.filter(currency=current_school().currency).order_by()
    sums = rows.values("payment_id").annotate(left=Sum("amount_minor")).filter(left__gt=0)
    return list(sums.order_by("payment_id").values_list("payment_id", "left"))


def _move_credit(
    account: FamilyAccount, payment_id: UUID, given: Mapping[UUID, int], *, token: UUID
) -> None:
    if not given:
        return
    on = today()
    write_credit(
        account=account,
        payment_id=payment_id,
        kind=Credit.Kind.USED,
        amount_minor=-sum(given.values()),
        source_id=token,
        on=on,
    )
    Allocation.objects.bulk_create(
        Allocation(
            invoice_id=invoice_id,
            payment_id=payment_id,
            kind=Allocation.Kind.CREDIT_USED,
            amount_minor=amount,
            source_id=token,
            booked_on=on,
        )
        for invoice_id, amount in given.items()
    )
