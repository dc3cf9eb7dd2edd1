"""The Pay button of a family: one payment over all chosen invoices of all children."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo, PayStep
from apps.fees.preferences import PART_PAYMENTS, PREPAYMENTS, SMALLEST_PART, USE_CREDIT
from apps.fees.selectors import accounts, family, invoices
from apps.fees.services.allocation import (
    catch_up_references,
    credit_used,
    lock_balances,
    use_credit,
)
from apps.fees.services.counter import PREPAID, payment_lines
from apps.payments import facade as payments
from apps.payments.contracts import PaymentInfo, PaymentLine
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.money import format_money
from kernel.schools import current_school, today

RETURN_PATH = "/family/payments/{payment_id}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the family asked to pay: None means everything. `token` names the form that was sent,
    so that sending it twice starts one payment; `method` is one of payments.pay_methods, or "".
    `keep_card`: the payer agreed to it; PayPal keeps none, so it says nothing there."""

    invoice_ids: tuple[UUID, ...] | None
    amount_minor: int | None
    use_credit: bool
    token: UUID
    method: str = ""
    keep_card: bool = False
    # Of invoices in instalments only what should be paid next.
    due_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a wish would take, in minor units, and for which invoices; nothing is taken yet."""

    invoices: tuple[InvoiceInfo, ...]
    credit_minor: int
    card_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """What is left for the card when credit has been used."""

    guardian: GuardianInfo
    lines: tuple[PaymentLine, ...]
    amount_minor: int
    credit_minor: int
    account_id: UUID | None
    source: str

    def order(self) -> dict[str, Any]:
        """What payments wants to know of every payment, on a page or with a saved card."""
        return {
            "payer_id": self.guardian.id,
            "payer_name": self.guardian.name,
            "payer_email": self.guardian.email,
            "lines": self.lines,
            "currency": current_school().currency,
            "description": _("School fees, %(school)s") % {"school": current_school().name},
            "return_path": RETURN_PATH,
            "account_id": self.account_id,
            "family_id": self.guardian.household_id,
            "source": self.source,
        }


def start_family_payment(*, guardian_id: UUID, wish: Wish, source: str = "") -> PayStep:
    """Open the hosted page for what the family wants to pay. `source`: of payments.source_of.

    Raises Invalid for a bad choice or amount, payments.PaymentInProgress when one of the invoices
    is being paid, payments.AlreadyPaid or Conflict when that has just happened,
    payments.PaymentsPaused after odd attempts, Unavailable when the gateway does not answer. Talks
    to the gateway: no transaction open.
    """
    bill = _bill(students.get_guardian(guardian_id), wish, source=source)
    if bill.amount_minor == 0:
        return PayStep(redirect_url="", payment_id=None, credit_used_minor=bill.credit_minor)
    started = payments.start_payment(
        **bill.order(),
        cancel_path=RETURN_PATH,
        idempotency_key=f"family:{guardian_id}:{wish.token}:{wish.method}".rstrip(":"),
        method=wish.method,
        consent=keep_consent() if wish.keep_card and wish.method != "paypal" else "",
    )
    if not started.reused:
        _check_still_owed(bill.lines, payment_id=started.payment_id)
    return PayStep(
        redirect_url=started.redirect_url,
        payment_id=started.payment_id,
        credit_used_minor=bill.credit_minor,
    )


def keep_consent() -> str:
    """The words in which a payer agrees that the card is kept; stored as they were read."""
    text = _(
        "Keep this card for next time. I allow the payment provider of %(school)s to keep it, and "
        "can remove it at any time."
    )
    return text % {"school": current_school().name}


def plan_payment(*, guardian_id: UUID, wish: Wish, method_id: UUID) -> Plan:
    """Look ahead, for a page that asks before this saved card is charged. Raises as paying does,
    and Invalid for a card that does not pay into the account of what was chosen."""
    guardian = students.get_guardian(guardian_id)
    _check_rules(wish)
    owed = _owed(guardian, wish)
    _check_part(owed, wish)
    _check_card(guardian, owed, method_id)
    wish = _as_amount(owed, wish)
    credit = 0
    if wish.use_credit:
        available = family.credit_of(household_id=guardian.household_id)
        credit = min(available, _most_by_credit(owed, wish))
    left = sum(invoice.balance_minor for invoice in owed) - credit
    card = _amount(left, wish, credit=credit)
    return Plan(invoices=tuple(owed), credit_minor=credit, card_minor=card)


def _check_card(guardian: GuardianInfo, owed: Sequence[InvoiceInfo], method_id: UUID) -> None:
    """One charge pays into one account of the school: the one that keeps the card."""
    accounts_chosen = {group.account_id for group in accounts.pay_groups(owed)} or {None}
    for account_id in accounts_chosen:
        cards = payments.saved_methods_for(guardian.id, account_id)
        if len(accounts_chosen) > 1 or method_id not in {card.id for card in cards}:
            message = _("This card cannot pay what you chose. Please pay on the payment page.")
            raise Invalid(message, code="other_account")


def pay_with_card(
    *, guardian_id: UUID, wish: Wish, method_id: UUID, expected_minor: int, source: str = ""
) -> PayStep:
    """Charge the guardian's saved card with exactly what they were asked about.

    Look at the payment afterwards: the bank may have refused. Raises as `start_family_payment`,
    NotFound for a card that is not kept, and Conflict when the sum is not `expected_minor`.
    """
    key = f"family:{guardian_id}:{wish.token}:saved-card"
    if (known := payments.payment_of_key(key)) is not None:
        return _to_payment(known.id)  # the same form, sent again
    plan = plan_payment(guardian_id=guardian_id, wish=wish, method_id=method_id)
    if plan.card_minor != expected_minor:
        raise _balance_changed()
    bill = _bill(students.get_guardian(guardian_id), wish, source=source)
    if bill.amount_minor != expected_minor:
        raise _balance_changed()
    info = payments.charge_saved_method(
        **bill.order(),
        method_id=method_id,
        idempotency_key=key,
        make_room=True,
        still_wanted=lambda: still_owed(bill.lines),
    )
    return _to_payment(info.id, credit=bill.credit_minor)


def _to_payment(payment_id: UUID, *, credit: int = 0) -> PayStep:
    where = RETURN_PATH.replace("{payment_id}", str(payment_id))
    return PayStep(redirect_url=where, payment_id=payment_id, credit_used_minor=credit)


def _bill(guardian: GuardianInfo, wish: Wish, *, source: str) -> _Bill:
    """Check the wish, use credit if it says so, and name what is left to pay into one account."""
    _check_rules(wish)
    owed = _owed_after_catching_up(guardian, wish)
    _check_part(owed, wish)
    wish = _as_amount(_as_first_sent(guardian, wish, owed), wish)
    credit = _pay_from_credit(guardian, wish, owed)
    if credit:
        owed = _owed(guardian, wish)
    amount = _amount(sum(invoice.balance_minor for invoice in owed), wish, credit=credit)
    asked = payment_lines(owed, amount_minor=amount, payer_id=guardian.id) if amount else []
    lines, account_id = _of_one_account(asked)
    return _Bill(
        guardian=guardian,
        lines=tuple(lines),
        amount_minor=sum(line.amount_minor for line in lines),
        credit_minor=credit,
        account_id=account_id,
        source=source,
    )


def _of_one_account(lines: Sequence[PaymentLine]) -> tuple[list[PaymentLine], UUID | None]:
    """A payment pays into one account of the school: the lines whose money goes where the first
    one's goes, and that account. The others are left for a payment of their own."""
    if not lines:
        return [], None
    taking = accounts.accounts_of(_asked(lines))
    ids = {str(key): info.id if info else None for key, info in taking.items()}
    first = ids.get(lines[0].reference)
    return [line for line in lines if ids.get(line.reference, first) == first], first


def _asked(lines: Sequence[PaymentLine]) -> dict[UUID, int]:
    """Invoice -> what is to be paid of it; money in advance is for none."""
    return {
        UUID(line.reference): line.amount_minor
        for line in lines
        if not line.reference.startswith(PREPAID)
    }


def _check_still_owed(lines: Sequence[PaymentLine], *, payment_id: UUID) -> None:
    """Look once more, now that the payment holds its invoices. Raises Conflict, with the page
    closed again."""
    if not still_owed(lines):
        payments.cancel(payment_id)
        raise _balance_changed()


def still_owed(lines: Sequence[PaymentLine]) -> bool:
    """Between the first look and the claim somebody else may have paid the invoices, or the
    school may have taken them back."""
    asked = _asked(lines)
    catch_up_references(asked)
    with transaction.atomic():
        wanted = lock_balances(asked)
    return all(wanted.get(key, 0) >= amount for key, amount in asked.items())


def _balance_changed() -> Conflict:
    message = _("The list has changed since you looked at it. Please check it again.")
    return Conflict(message, code="balance_changed")


def _check_rules(wish: Wish) -> None:
    """What the school allows families to choose at all. Raises Forbidden."""
    if wish.use_credit and not USE_CREDIT.value:
        raise Forbidden(_("Please ask the office to use your credit."), code="credit_off")


def _check_part(owed: Sequence[InvoiceInfo], wish: Wish) -> None:
    """The school's rules for paying less than what was chosen. Raises Invalid."""
    total = sum(invoice.balance_minor for invoice in owed)
    if wish.amount_minor is None or not 0 < wish.amount_minor < total:
        return
    if not PART_PAYMENTS.value:
        message = _("The school asks you to pay the invoices you choose in full.")
        raise Invalid(message, field="amount", code="no_part_payments")
    least = min(SMALLEST_PART.value, total)
    if wish.amount_minor < least:
        message = _("Please pay at least %(least)s, or all of it.")
        shown = format_money(least, current_school().currency)
        raise Invalid(message % {"least": shown}, field="amount", code="part_too_small")


def _as_amount(owed: Sequence[InvoiceInfo], wish: Wish) -> Wish:
    """Of instalments only what is next: from here on a sum like any other, so that credit that
    pays the first part does not draw the second one in."""
    if not wish.due_only or wish.amount_minor is not None:
        return wish
    return replace(wish, amount_minor=sum(invoice.now_minor(today()) for invoice in owed))


def _as_first_sent(
    guardian: GuardianInfo, wish: Wish, owed: Sequence[InvoiceInfo]
) -> Sequence[InvoiceInfo]:
    """The invoices as they were before this form used credit: sent again, it asks for the same."""
    used = family.paid_by_credit(token=_credit_token(guardian, wish)) if wish.use_credit else {}
    if not used:
        return owed
    now = {invoice.id: invoice for invoice in (*invoices.get_invoices(invoice_ids=used), *owed)}
    return [
        replace(invoice, balance_minor=invoice.balance_minor + used.get(key, 0))
        for key, invoice in now.items()
    ]


def _owed(guardian: GuardianInfo, wish: Wish) -> list[InvoiceInfo]:
    """The chosen invoices that still want money. Raises NotFound for another family's."""
    children = family.child_ids(guardian_id=guardian.id)
    if wish.invoice_ids is None:
        return invoices.open_invoices(student_ids=children)
    chosen = invoices.get_invoices(invoice_ids=wish.invoice_ids)
    if any(invoice.student_id not in children for invoice in chosen):
        raise NotFound(_("There is no such invoice."))
    return [invoice for invoice in chosen if invoice.balance_minor > 0]


def _owed_after_catching_up(guardian: GuardianInfo, wish: Wish) -> list[InvoiceInfo]:
    """Read once more only if money was found that had arrived. What somebody else books meanwhile
    is found when the payment holds its invoices: _check_still_owed."""
    owed = _owed(guardian, wish)
    caught_up = catch_up_references(invoice.id for invoice in owed)
    return _owed(guardian, wish) if caught_up else owed


def _pay_from_credit(guardian: GuardianInfo, wish: Wish, owed: Sequence[InvoiceInfo]) -> int:
    """Credit goes first when the family ticked it; kept apart by form, so a double click is one."""
    if not wish.use_credit:
        return 0
    token = _credit_token(guardian, wish)
    if not credit_used(household_id=guardian.household_id, token=token):
        _close_pages(guardian, owed)
    return use_credit(
        household_id=guardian.household_id,
        invoice_ids=[invoice.id for invoice in owed],
        most_minor=_most_by_credit(owed, wish),
        token=token,
    )


def _credit_token(guardian: GuardianInfo, wish: Wish) -> UUID:
    return uuid5(guardian.id, str(wish.token))


def _most_by_credit(owed: Sequence[InvoiceInfo], wish: Wish) -> int:
    total = sum(invoice.balance_minor for invoice in owed)
    return total if wish.amount_minor is None else min(total, wish.amount_minor)


def _close_pages(guardian: GuardianInfo, owed: Sequence[InvoiceInfo]) -> None:
    """A page that the guardian left open asks for the whole amount: no credit beside it. Nor
    beside another guardian's, once that has been left alone."""
    now = timezone.now()
    for info in payments.open_payments([str(invoice.id) for invoice in owed]):
        if info.payer_id == guardian.id or info.held_until <= now:
            payments.cancel(info.id)


def _amount(total: int, wish: Wish, *, credit: int) -> int:
    """What the card is asked for, of a `total` that is left after `credit`."""
    in_advance = PREPAYMENTS.value and wish.amount_minor is not None
    if total == 0 and credit == 0 and not in_advance:
        raise Invalid(_("There is nothing left to pay. Thank you!"), code="nothing_to_pay")
    if wish.amount_minor is None:
        return total
    if wish.amount_minor <= 0:
        raise Invalid(_("The amount must be more than zero."), field="amount")
    rest = wish.amount_minor - credit
    if rest > total and not in_advance:
        most = format_money(total + credit, current_school().currency)
        raise Invalid(_("That is more than is owed: %(most)s.") % {"most": most}, field="amount")
    return rest


def own_payment(*, guardian_id: UUID, payment_id: UUID) -> PaymentInfo:
    """A payment this guardian started, as the books know it. Raises NotFound for any other."""
    info = payments.get_payment(payment_id)
    if info.payer_id != guardian_id:
        raise NotFound(_("There is no such payment."))
    return info
