"""What a family wishes to pay: the school's rules about it, and what it comes to. Nothing is taken
here; checkout.py does that, by the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo
from apps.fees.preferences import PART_PAYMENTS, PREPAYMENTS, SMALLEST_PART, USE_CREDIT
from apps.fees.selectors import accounts, family, invoices
from apps.fees.services import cover
from apps.fees.services.allocation import credit_used
from apps.fees.services.counter import PREPAID, payment_lines
from apps.payments import facade as payments
from apps.payments.contracts import PaymentLine
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.money import format_money
from kernel.schools import current_school, today


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the family asked to pay: None means everything. `token` names the form that was sent,
    so that sending it twice starts one payment; `method` is one of payments.pay_methods, or "".
    `keep_card`: the payer agreed to it; PayPal keeps none, so it says nothing there. `cover`: they
    agreed to add the processing cost."""

    invoice_ids: tuple[UUID, ...] | None
    amount_minor: int | None
    use_credit: bool
    token: UUID
    method: str = ""
    keep_card: bool = False
    # Of invoices in instalments only what should be paid next.
    due_only: bool = False
    cover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a wish would take, in minor units, and for which invoices; nothing is taken yet.
    `lines` come to `card_minor`; the payer adds `cover_minor` to it if they wish or, with
    `must_cover`, in any case."""

    invoices: tuple[InvoiceInfo, ...]
    lines: tuple[PaymentLine, ...]
    credit_minor: int
    card_minor: int
    cover_minor: int
    must_cover: bool

    @property
    def covered_minor(self) -> int:
        """The whole sum with the cover."""
        return self.card_minor + self.cover_minor

    def total_minor(self, *, cover: bool) -> int:
        """What is charged to whoever agrees to the cover, or does not."""
        return self.covered_minor if cover or self.must_cover else self.card_minor


def plan_payment(*, guardian_id: UUID, wish: Wish, method_id: UUID | None = None) -> Plan:
    """Look ahead, for a page that asks before this saved card is charged or (None) the hosted page
    is opened. Raises as paying does, and Invalid for a card that does not pay into the account of
    what was chosen."""
    guardian = students.get_guardian(guardian_id)
    check_rules(wish)
    owed = owed_by(guardian, wish)
    check_part(owed, wish)
    if method_id is not None:
        _check_card(guardian, owed, method_id)
    wish = as_amount(as_first_sent(guardian, wish, owed), wish)
    credit = _used(guardian, wish)
    left: Sequence[InvoiceInfo] = owed
    if not credit and wish.use_credit:
        available = family.credit_of(household_id=guardian.household_id)
        credit = max(min(available, most_by_credit(owed, wish)), 0)
        left = _after_credit(owed, wish, credit, payer_id=guardian.id)
    lines, account_id = lines_of(guardian, left, wish, credit=credit)
    card = sum(line.amount_minor for line in lines)
    return Plan(
        invoices=tuple(owed),
        lines=tuple(lines),
        credit_minor=credit,
        card_minor=card,
        cover_minor=cover.proposed(card, "card" if method_id else costing_method(wish, account_id)),
        must_cover=cover.is_always(),
    )


def _used(guardian: GuardianInfo, wish: Wish) -> int:
    """The credit that this form has used already: sent again, it uses no more."""
    if not wish.use_credit:
        return 0
    token = credit_token(guardian, wish)
    return credit_used(household_id=guardian.household_id, token=token)


def _after_credit(
    owed: Sequence[InvoiceInfo], wish: Wish, credit: int, *, payer_id: UUID
) -> list[InvoiceInfo]:
    """What the invoices still want once so much credit has paid their earliest parts, in the order
    in which they will be read then."""
    paid = asked_of(payment_lines(owed, amount_minor=credit, payer_id=payer_id))
    left = [
        replace(invoice, balance_minor=rest)
        for invoice in owed
        if (rest := invoice.balance_minor - paid.get(invoice.id, 0))
    ]
    if wish.invoice_ids is None:
        left.sort(key=lambda invoice: (invoice.next_due_on, invoice.number))
    return left


def _check_card(guardian: GuardianInfo, owed: Sequence[InvoiceInfo], method_id: UUID) -> None:
    """One charge pays into one account of the school: the one that keeps the card."""
    accounts_chosen = {group.account_id for group in accounts.pay_groups(owed)} or {None}
    for account_id in accounts_chosen:
        cards = payments.saved_methods_for(guardian.id, account_id)
        if len(accounts_chosen) > 1 or method_id not in {card.id for card in cards}:
            message = _("This card cannot pay what you chose. Please pay on the payment page.")
            raise Invalid(message, code="other_account")


def lines_of(
    guardian: GuardianInfo, owed: Sequence[InvoiceInfo], wish: Wish, *, credit: int
) -> tuple[list[PaymentLine], UUID | None]:
    """What one payment pays of this wish, of which `credit` has paid a part already, and into
    which account of the school. Raises Invalid."""
    amount = _amount(sum(invoice.balance_minor for invoice in owed), wish, credit=credit)
    asked = payment_lines(owed, amount_minor=amount, payer_id=guardian.id) if amount else []
    return _of_one_account(asked)


def costing_method(wish: Wish, account_id: UUID | None) -> str:
    """The way whose cost is passed on: the chosen one, or the usual one of the account that takes
    the money; "" where the school bears it, and no account is read."""
    if cover.is_off():
        return ""
    return wish.method or next(iter(payments.pay_methods(account_id)), "")


def _of_one_account(lines: Sequence[PaymentLine]) -> tuple[list[PaymentLine], UUID | None]:
    """A payment pays into one account of the school: the lines whose money goes where the first
    one's goes, and that account. The others are left for a payment of their own."""
    if not lines:
        return [], None
    taking = accounts.accounts_of(asked_of(lines))
    ids = {str(key): info.id if info else None for key, info in taking.items()}
    first = ids.get(lines[0].reference)
    return [line for line in lines if ids.get(line.reference, first) == first], first


def asked_of(lines: Sequence[PaymentLine]) -> dict[UUID, int]:
    """Invoice -> what is to be paid of it; money in advance is for none."""
    return {
        UUID(line.reference): line.amount_minor
        for line in lines
        if not line.reference.startswith(PREPAID)
    }


def check_rules(wish: Wish) -> None:
    """What the school allows families to choose at all. Raises Forbidden."""
    if wish.use_credit and not USE_CREDIT.value:
        raise Forbidden(_("Please ask the office to use your credit."), code="credit_off")


def check_part(owed: Sequence[InvoiceInfo], wish: Wish) -> None:
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


def as_amount(owed: Sequence[InvoiceInfo], wish: Wish) -> Wish:
    """Of instalments only what is next: from here on a sum like any other, so that credit that
    pays the first part does not draw the second one in."""
    if not wish.due_only or wish.amount_minor is not None:
        return wish
    return replace(wish, amount_minor=sum(invoice.now_minor(today()) for invoice in owed))


def as_first_sent(
    guardian: GuardianInfo, wish: Wish, owed: Sequence[InvoiceInfo]
) -> Sequence[InvoiceInfo]:
    """The invoices as they were before this form used credit: sent again, it asks for the same."""
    used = family.paid_by_credit(token=credit_token(guardian, wish)) if wish.use_credit else {}
    if not used:
        return owed
    now = {invoice.id: invoice for invoice in (*invoices.get_invoices(invoice_ids=used), *owed)}
    return [
        replace(invoice, balance_minor=invoice.balance_minor + used.get(key, 0))
        for key, invoice in now.items()
    ]


def credit_token(guardian: GuardianInfo, wish: Wish) -> UUID:
    """Under which a form uses credit, once."""
    return uuid5(guardian.id, str(wish.token))


def owed_by(guardian: GuardianInfo, wish: Wish) -> list[InvoiceInfo]:
    """The chosen invoices that still want money. Raises NotFound for another family's."""
    children = family.child_ids(guardian_id=guardian.id)
    if wish.invoice_ids is None:
        return invoices.open_invoices(student_ids=children)
    chosen = invoices.get_invoices(invoice_ids=wish.invoice_ids)
    if any(invoice.student_id not in children for invoice in chosen):
        raise NotFound(_("There is no such invoice."))
    return [invoice for invoice in chosen if invoice.balance_minor > 0]


def most_by_credit(owed: Sequence[InvoiceInfo], wish: Wish) -> int:
    """What of these invoices the family's credit may pay."""
    total = sum(invoice.balance_minor for invoice in owed)
    return total if wish.amount_minor is None else min(total, wish.amount_minor)


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
