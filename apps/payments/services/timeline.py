"""A payment's story in plain words, from its stored events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.events import facade as event_store
from apps.payments import events, models
from apps.payments.selectors.reversals import is_reversal
from kernel.acting import PAYER, SYSTEM, part
from kernel.money import format_money

RESOLVED: dict[str, Callable[[], str]] = {
    "book": lambda: _("Booked for the family"),
    "refund": lambda: _("To be refunded, not booked"),
    "close": lambda: _("Closed, not booked"),
}
Words = tuple[str, str, str]  # title, detail, tone
# Tasks that act on payments; other parts of the system are called by a word as they are.
PARTS: dict[str, Callable[[], str]] = {
    "fees.run_autopay": lambda: _("automatic payment"),
    "events.drain": lambda: _("bookkeeping"),
}
METHODS: dict[str, Callable[[], str]] = {
    "card": lambda: _("card"),
    "cash": lambda: _("cash"),
    "cheque": lambda: _("cheque"),
    "transfer": lambda: _("bank transfer"),
    "paypal": lambda: "PayPal",
    "us_bank_account": lambda: _("bank debit"),
    "sepa_debit": lambda: _("bank debit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One stored event of a payment in plain words (already in the reader's language)."""

    at: datetime
    title: str
    detail: str
    tone: str
    actor: str = ""


def timeline(payment: models.Payment) -> list[TimelineEntry]:
    """Oldest first."""
    entries = []
    refunds = {refund.pk: refund for refund in payment.refunds.all()}
    for stored in event_store.load(payment.pk):
        event: Any = stored.event
        title, detail, tone = words(event, payment, refunds)
        entries.append(
            TimelineEntry(
                at=event.at,
                title=title,
                detail=with_reason(detail, stored.metadata),
                tone=tone,
                actor=actor_name(str(stored.metadata.get("actor", ""))),
            )
        )
    return entries


def with_reason(detail: str, metadata: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (detail, str(metadata.get("why", "")))))


def actor_name(actor: str) -> str:
    """Who acted, in the reader's language; staff by their address."""
    if actor == PAYER:
        return _("Payer")
    if actor in (SYSTEM, part("")):
        return _("System")
    if actor.startswith(part("")):
        name = actor.removeprefix(part(""))
        return _("System: %(part)s") % {"part": PARTS[name]() if name in PARTS else name}
    return actor


def method_name(method: str) -> str:
    """The way of paying, in the reader's language."""
    return METHODS[method]() if method in METHODS else method.replace("_", " ")


def words(event: Any, payment: models.Payment, refunds: Mapping[UUID, models.Refund]) -> Words:
    """One stored event in the reader's language. `refunds`: those it may be about."""
    refund = refunds.get(getattr(event, "refund_id", None))  # type: ignore[arg-type]
    if refund is not None:
        amount = format_money(refund.amount_minor, payment.currency)
        say = _reversal_words if is_reversal(refund) else _refund_words
        return say(event, amount)
    if hasattr(event, "dispute_id"):
        return _dispute_words(event)
    told = _charge_words(event) if payment.charges_method else None
    return told or _payment_words(event, payment)


def _charge_words(event: Any) -> Words | None:
    """What is said in other words where a saved card is charged: there is no page."""
    match event:
        case events.SessionCreated():
            return _("The gateway charges the saved card"), "", "info"
        case events.Cancelled():
            return pgettext("payment", "Cancelled"), _("The card was not charged."), "muted"
        case events.Expired():
            return _("Expired"), _("The card was not charged."), "muted"
        case _:
            return None


def _payment_words(event: Any, payment: models.Payment) -> Words:
    match event:
        case events.Initiated():
            amount = format_money(event.amount_minor, event.currency)
            return _("Payment started"), _("%(amount)s to pay") % {"amount": amount}, "info"
        case events.SessionCreated():
            return _("Payment page opened at the gateway"), "", "info"
        case events.Processing():
            return _("The bank is working on it"), _("The result comes later."), "info"
        case events.Captured():
            amount = format_money(event.amount_minor, event.currency)
            words = {"amount": amount, "method": method_name(event.method)}
            return _("Paid"), _("%(amount)s received by %(method)s") % words, "ok"
        case events.AttemptFailed():
            return _("Declined"), event.message or event.code.replace("_", " "), "bad"
        case events.Cancelled():
            return pgettext("payment", "Cancelled"), _("The payment page was closed."), "muted"
        case events.Expired():
            return _("Expired"), _("Nobody used the payment page in time."), "muted"
        case events.OutcomeUnknown():
            return _("No clear answer from the gateway"), _(event.detail), "warn"
        case events.Allocated():
            amount = format_money(event.amount_minor, payment.currency)
            return _("%(amount)s pays for invoices") % {"amount": amount}, "", "info"
        case events.Credited():
            amount = format_money(event.amount_minor, payment.currency)
            return _("%(amount)s kept as credit") % {"amount": amount}, "", "info"
        case events.Covered():
            amount = format_money(event.amount_minor, payment.currency)
            return _("%(amount)s covers the processing cost") % {"amount": amount}, "", "info"
        case events.MismatchResolved():
            return RESOLVED[event.decision](), "", "info"
        case events.MismatchDetected():
            return _("Amount does not match"), _mismatch(event), "bad"
        case _:
            return type(event).__name__, "", "info"


def _amount(minor: int, currency: str) -> str:
    """Of a currency that is none of ours, the number alone."""
    try:
        return format_money(minor, currency)
    except ValueError:
        return f"{minor} {currency}"


def _mismatch(event: events.MismatchDetected) -> str:
    return _("Asked for %(asked)s, the gateway took %(taken)s. Not booked.") % {
        "asked": _amount(event.expected_minor, event.expected_currency),
        "taken": _amount(event.actual_minor, event.actual_currency),
    }


def _dispute_words(event: Any) -> Words:
    match event:
        case events.InquiryClosed():
            why = _("The bank makes a dispute of it.") if event.disputed else ""
            return _("The bank’s inquiry is closed"), why, "info"
        case events.DisputeOpened(inquiry=True):
            amount = {"amount": _amount(event.amount_minor, event.currency)}
            title = _("The payer’s bank asks about %(amount)s") % amount
            return title, reason_text(event.reason), "warn"
        case events.DisputeOpened():
            amount = {"amount": _amount(event.amount_minor, event.currency)}
            return (
                _("The payer’s bank disputes %(amount)s") % amount,
                reason_text(event.reason),
                "bad",
            )
        case events.DisputeUpdated():
            if event.answered:
                return _("The dispute is answered"), _("The bank decides."), "info"
            return _("The bank waits for an answer to the dispute"), "", "warn"
        case events.DisputeWon():
            amount = {"amount": _amount(event.amount_minor, event.currency)}
            return _("Dispute over %(amount)s won") % amount, _("The money stays."), "ok"
        case _:
            amount = {"amount": _amount(event.amount_minor, event.currency)}
            return _("Dispute over %(amount)s lost") % amount, _("The money is gone."), "bad"


REASONS: dict[str, Callable[[], str]] = {
    "fraudulent": lambda: _("The payer says that it was not them."),
    "duplicate": lambda: _("The payer says that it was paid twice."),
    "product_not_received": lambda: _("The payer says that nothing was received for it."),
    "product_unacceptable": lambda: _("The payer is not content with what was received."),
    "subscription_canceled": lambda: _("The payer says that it had been cancelled."),
    "unrecognized": lambda: _("The payer does not recognise the payment."),
    "credit_not_processed": lambda: _("The payer waits for a refund."),
}


def reason_text(reason: str) -> str:
    """Why the bank asks the money back, in the reader's language."""
    known = REASONS.get(reason.lower())
    return known() if known else reason.replace("_", " ")


def _reversal_words(event: Any, amount: str) -> Words:
    if isinstance(event, events.RefundRequested):
        return _("%(amount)s taken back") % {"amount": amount}, event.reason, "warn"
    return _("What it paid for is owed again"), _("Nobody was given money."), "info"


def _refund_words(event: Any, amount: str) -> Words:
    match event:
        case events.RefundRequested():
            return _("Refund of %(amount)s requested") % {"amount": amount}, event.reason, "info"
        case events.RefundPending():
            return _("Refund of %(amount)s is on its way") % {"amount": amount}, "", "info"
        case events.RefundSucceeded():
            return _("Refund of %(amount)s made") % {"amount": amount}, "", "ok"
        case events.RefundRejected():
            return _("Refund of %(amount)s failed") % {"amount": amount}, event.reason, "bad"
        case events.ExternalRefundDetected():
            title = _("%(amount)s refunded at the gateway") % {"amount": amount}
            return title, _("Not from here: somebody must book it."), "warn"
        case events.ExternalRefundIgnored():
            return _("Refund of %(amount)s not booked") % {"amount": amount}, event.reason, "muted"
        case _:
            return _("Refund of %(amount)s booked") % {"amount": amount}, "", "ok"
