"""The Pay button of a family: one payment over all chosen invoices of all children."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo, PayStep
from apps.fees.services import cover
from apps.fees.services.allocation import (
    catch_up_references,
    credit_used,
    lock_balances,
    use_credit,
)
from apps.fees.services.wishes import (
    Plan,
    Wish,
    as_amount,
    as_first_sent,
    asked_of,
    check_part,
    check_rules,
    costing_method,
    credit_token,
    lines_of,
    most_by_credit,
    owed_by,
    plan_payment,
)
from apps.payments import facade as payments
from apps.payments.contracts import PaymentInfo, PaymentLine
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.errors import Conflict, NotFound
from kernel.schools import current_school

RETURN_PATH = "/family/payments/{payment_id}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is left for the card when credit has been used. Amounts in minor units."""

    guardian: GuardianInfo
    lines: tuple[PaymentLine, ...]
    amount_minor: int
    cover_minor: int
    account_id: UUID | None
    credit_minor: int = 0
    source: str = ""

    def check(self, expected_minor: int | None) -> None:
        """Nobody is asked for another sum than they have seen; whoever has seen none expects that
        nothing is added. Raises Conflict."""
        seen = self.amount_minor if expected_minor is None else expected_minor
        if seen != self.amount_minor + self.cover_minor:
            raise _balance_changed()

    def order(self, key: str, *, method: str = "", consent: str = "") -> payments.Order:
        """The order under this idempotency key, on a page or with a saved card."""
        return payments.Order(
            payer_id=self.guardian.id,
            payer_name=self.guardian.name,
            payer_email=self.guardian.email,
            lines=self.lines,
            currency=current_school().currency,
            description=_("School fees, %(school)s") % {"school": current_school().name},
            return_path=RETURN_PATH,
            cancel_path=RETURN_PATH,
            idempotency_key=key,
            account_id=self.account_id,
            method=method,
            family_id=self.guardian.household_id,
            source=self.source,
            consent=consent,
            cover_minor=self.cover_minor,
        )


def start_family_payment(
    *, guardian_id: UUID, wish: Wish, source: str = "", expected_minor: int | None = None
) -> PayStep:
    """Open the hosted page for what the family wants to pay. `source`: of payments.source_of.
    `expected_minor`: the sum with its cover that the payer has seen, None when they saw none.

    Raises Invalid for a bad choice or amount, payments.PaymentInProgress when one of the invoices
    is being paid, payments.AlreadyPaid or Conflict when that has just happened,
    payments.PaymentsPaused after odd attempts, Unavailable when the gateway does not answer. Talks
    to the gateway: no transaction open.
    """
    bill = _bill(students.get_guardian(guardian_id), wish, source=source)
    if bill.amount_minor == 0:
        return PayStep(redirect_url="", payment_id=None, credit_used_minor=bill.credit_minor)
    bill.check(expected_minor)
    consent = keep_consent() if wish.keep_card and wish.method != "paypal" else ""
    order = bill.order(_key(guardian_id, wish), method=wish.method, consent=consent)
    started = payments.start_payment(order)
    if not started.reused:
        _check_still_owed(bill.lines, payment_id=started.payment_id)
    return PayStep(
        redirect_url=started.redirect_url,
        payment_id=started.payment_id,
        credit_used_minor=bill.credit_minor,
    )


def _key(guardian_id: UUID, wish: Wish, *, saved: bool = False) -> str:
    way = "saved-card" if saved else wish.method
    return f"family:{guardian_id}:{wish.token}:{way}".rstrip(":")


def to_be_shown(
    *, guardian_id: UUID, wish: Wish, expected_minor: int | None, method_id: UUID | None = None
) -> Plan | None:
    """What a payer has to see before money can move: the sums, if a saved card is to be charged, a
    cover is added to what they chose, or the sum is not the one (`expected_minor`, with its cover)
    that they have seen. None when all is said. Raises as paying does."""
    saved, is_first = method_id is not None, expected_minor is None
    if is_first and not saved and cover.is_off():
        return None
    if not is_first and payments.payment_of_key(_key(guardian_id, wish, saved=saved)):
        return None  # the same form, sent again
    plan = plan_payment(guardian_id=guardian_id, wish=wish, method_id=method_id)
    if plan.total_minor(cover=wish.cover) == expected_minor:
        return None
    needs_page = plan.card_minor and (plan.cover_minor or not is_first)
    return plan if saved or needs_page else None


def keep_consent() -> str:
    """The words in which a payer agrees that the card is kept; stored as they were read."""
    text = _(
        "Keep this card for next time. I allow the payment provider of %(school)s to keep it, and "
        "can remove it at any time."
    )
    return text % {"school": current_school().name}


def pay_with_card(
    *, guardian_id: UUID, wish: Wish, method_id: UUID, expected_minor: int | None, source: str = ""
) -> PayStep:
    """Charge the guardian's saved card with exactly what they were asked about.

    Look at the payment afterwards: the bank may have refused. Raises as `start_family_payment`,
    NotFound for a card that is not kept, and Conflict when the sum with its cover is not
    `expected_minor`.
    """
    key = _key(guardian_id, wish, saved=True)
    if (known := payments.payment_of_key(key)) is not None:
        return _to_payment(known.id)  # the same form, sent again
    wish = replace(wish, method="card")
    plan = plan_payment(guardian_id=guardian_id, wish=wish, method_id=method_id)
    if plan.total_minor(cover=wish.cover) != expected_minor:
        raise _balance_changed()
    bill = _bill(students.get_guardian(guardian_id), wish, source=source)
    bill.check(expected_minor)
    info = payments.charge_saved_method(
        bill.order(key),
        method_id=method_id,
        make_room=True,
        still_wanted=lambda: still_owed(bill.lines),
    )
    return _to_payment(info.id, credit=bill.credit_minor)


def _to_payment(payment_id: UUID, *, credit: int = 0) -> PayStep:
    where = RETURN_PATH.replace("{payment_id}", str(payment_id))
    return PayStep(redirect_url=where, payment_id=payment_id, credit_used_minor=credit)


def _bill(guardian: GuardianInfo, wish: Wish, *, source: str) -> Bill:
    """Check the wish, use credit if it says so, and name what is left to pay into one account."""
    check_rules(wish)
    owed = _owed_after_catching_up(guardian, wish)
    check_part(owed, wish)
    wish = as_amount(as_first_sent(guardian, wish, owed), wish)
    credit = _pay_from_credit(guardian, wish, owed)
    if credit:
        owed = owed_by(guardian, wish)
    lines, account_id = lines_of(guardian, owed, wish, credit=credit)
    amount = sum(line.amount_minor for line in lines)
    return Bill(
        guardian=guardian,
        lines=tuple(lines),
        amount_minor=amount,
        cover_minor=cover.added(amount, costing_method(wish, account_id), agreed=wish.cover),
        credit_minor=credit,
        account_id=account_id,
        source=source,
    )


def _check_still_owed(lines: Sequence[PaymentLine], *, payment_id: UUID) -> None:
    """Look once more, now that the payment holds its invoices. Raises Conflict, with the page
    closed again."""
    if not still_owed(lines):
        payments.cancel(payment_id)
        raise _balance_changed()


def still_owed(lines: Sequence[PaymentLine]) -> bool:
    """Between the first look and the claim somebody else may have paid the invoices, or the
    school may have taken them back."""
    asked = asked_of(lines)
    catch_up_references(asked)
    with transaction.atomic():
        wanted = lock_balances(asked)
    return all(wanted.get(key, 0) >= amount for key, amount in asked.items())


def _balance_changed() -> Conflict:
    message = _("The list has changed since you looked at it. Please check it again.")
    return Conflict(message, code="balance_changed")


def _owed_after_catching_up(guardian: GuardianInfo, wish: Wish) -> list[InvoiceInfo]:
    """Read once more only if money was found that had arrived. What somebody else books meanwhile
    is found when the payment holds its invoices: _check_still_owed."""
    owed = owed_by(guardian, wish)
    caught_up = catch_up_references(invoice.id for invoice in owed)
    return owed_by(guardian, wish) if caught_up else owed


def _pay_from_credit(guardian: GuardianInfo, wish: Wish, owed: Sequence[InvoiceInfo]) -> int:
    """Credit goes first when the family ticked it; kept apart by form, so a double click is one."""
    if not wish.use_credit:
        return 0
    token = credit_token(guardian, wish)
    if not credit_used(household_id=guardian.household_id, token=token):
        _close_pages(guardian, owed)
    return use_credit(
        household_id=guardian.household_id,
        invoice_ids=[invoice.id for invoice in owed],
        most_minor=most_by_credit(owed, wish),
        token=token,
    )


def _close_pages(guardian: GuardianInfo, owed: Sequence[InvoiceInfo]) -> None:
    """A page that the guardian left open asks for the whole amount: no credit beside it. Nor
    beside another guardian's, once that has been left alone."""
    now = timezone.now()
    for info in payments.open_payments([str(invoice.id) for invoice in owed]):
        if info.payer_id == guardian.id or info.held_until <= now:
            payments.cancel(info.id)


def own_payment(*, guardian_id: UUID, payment_id: UUID) -> PaymentInfo:
    """A payment this guardian started, as the books know it. Raises NotFound for any other."""
    info = payments.get_payment(payment_id)
    if info.payer_id != guardian_id:
        raise NotFound(_("There is no such payment."))
    return info
