"""What payments hold about a person, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.events import facade as events
from apps.payments import contracts
from apps.payments.models import (
    OFFLINE,
    BankStatement,
    Discrepancy,
    Dispute,
    GatewayAccount,
    LineTie,
    OpenClaim,
    Payment,
    PaymentLine,
    Payout,
    PayoutLine,
    ProviderEvent,
    ReconciliationRun,
    Refund,
    RefundApproval,
    StatementLine,
)
from apps.payments.privacy import odd_attempts, saved_cards
from apps.payments.selectors.reversals import status_of
from apps.payments.services import privacy as service
from apps.payments.services.timeline import timeline
from apps.tenants.facade import privacy
from kernel.money import Money

# Registered in files of their own.
__all__ = ["odd_attempts", "saved_cards"]

privacy.nobody_in(
    {
        GatewayAccount: "the school's own account at the gateway",
        OpenClaim: "keys of what is being paid",
        Payout: "sums that the gateway sent to the school's bank",
        PayoutLine: "keys and sums of the gateway's books",
    }
)
privacy.not_exported(
    {
        ProviderEvent: "signed messages of the gateway; what came of them is in the story",
        ReconciliationRun: "comparisons of whole books, and which of the staff asked for them",
        Discrepancy: "sums of payments, and which of the staff decided about them",
        BankStatement: "files of the bank, emptied as soon as they are imported or discarded",
        LineTie: "keys that tie bank lines to payments, and which of the staff tied them",
    }
)


@privacy.collects(Payment, PaymentLine)
def export_payments(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = (
        service.payments_of(person.ids).prefetch_related("lines", "refunds").order_by("started_at")
    )
    yield privacy.Section(
        name="payments.payments",
        title=_("Payments"),
        columns={
            "id": _("Number"),
            "started_at": _("Started"),
            "paid_at": _("Paid"),
            "status": _("Status"),
            "what": _("What for"),
            "asked": _("Asked for"),
            "paid": _("Paid"),
            "refunded": _("Refunded or reversed"),
            "method": _("How"),
            "payer_name": _("Payer"),
            "payer_email": _("E-mail"),
            "note": _("Note"),
        },
        rows=tuple(_payment(row) for row in rows),
        note=_("Card details are known to the payment gateway only, never to the school."),
    )


def _payment(row: Payment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "started_at": row.started_at,
        "paid_at": row.captured_at,
        "status": status_of(row),
        "what": "\n".join(line.description for line in row.lines.all()),
        "asked": Money(row.amount_minor, row.currency),
        "paid": Money(row.captured_minor, row.currency),
        "refunded": Money(row.refunded_minor, row.currency),
        "method": row.method,
        "payer_name": row.payer_name,
        "payer_email": row.payer_email,
        "note": row.note,
    }


@privacy.collects(Refund, RefundApproval)
def export_refunds(person: privacy.Person) -> Iterator[privacy.Section]:
    titles = _("Refunds"), _("Refunds that needed a second person")
    made = {"completed_at": _("Done"), "status": _("Status")}
    asked = {"decided_at": _("Decided"), "state": _("Status")}
    yield _money_back(person, Refund, "payments.refunds", titles[0], made)
    yield _money_back(person, RefundApproval, "payments.refund_approvals", titles[1], asked)


def _money_back(
    person: privacy.Person,
    model: type[Refund | RefundApproval],
    name: str,
    title: str,
    outcome: dict[str, str],
) -> privacy.Section:
    """`outcome`: the columns that say when it was over and how, by their fields."""
    ended, state = outcome
    rows = model.objects.filter(payment__in=service.payments_of(person.ids))
    return privacy.Section(
        name=name,
        title=title,
        columns={
            "payment": _("Payment"),
            "requested_at": _("Requested"),
            ended: outcome[ended],
            "amount": _("Amount"),
            state: outcome[state],
            "reason": _("Reason"),
        },
        rows=tuple(
            {
                "payment": row.payment_id,
                "requested_at": row.requested_at,
                ended: getattr(row, ended),
                "amount": Money(row.amount_minor, row.payment.currency),
                state: getattr(row, state),
                "reason": row.reason,
            }
            for row in rows.select_related("payment")
        ),
    )


@privacy.collects(Dispute)
def export_disputes(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = Dispute.objects.filter(payment__in=service.payments_of(person.ids))
    yield privacy.Section(
        name="payments.disputes",
        title=_("Disputes"),
        columns={
            "payment": _("Payment"),
            "opened_at": _("Opened"),
            "closed_at": _("Decided"),
            "amount": _("Amount"),
            "status": _("Status"),
            "reason": _("Reason"),
        },
        rows=tuple(
            {
                "payment": row.payment_id,
                "opened_at": row.opened_at,
                "closed_at": row.closed_at,
                "amount": Money(row.amount_minor, row.currency),
                "status": row.status,
                "reason": row.reason,
            }
            for row in rows.order_by("opened_at")
        ),
    )


@privacy.collects(StatementLine)
def export_bank_lines(person: privacy.Person) -> Iterator[privacy.Section]:
    """What the bank wrote on transfers that were recorded for the person."""
    rows = service.bank_lines_of(person.ids)
    yield privacy.Section(
        name="payments.bank_lines",
        title=_("Transfers on the bank statement"),
        columns={
            "booked_on": _("Day"),
            "amount": _("Amount"),
            "name": _("Other party"),
            "text": _("Words"),
        },
        rows=tuple(
            {
                "booked_on": row.booked_on,
                "amount": Money(row.amount_minor, row.currency),
                "name": row.name,
                "text": row.text,
            }
            for row in rows
        ),
    )


@privacy.collects()
def export_stories(person: privacy.Person) -> Iterator[privacy.Section]:
    """The event store, told in words; staff who acted are not named."""
    rows = service.payments_of(person.ids).order_by("started_at")
    yield privacy.Section(
        name="payments.history",
        title=_("What happened to each payment"),
        columns={
            "payment": _("Payment"),
            "at": _("When"),
            "title": _("What"),
            "detail": _("Details"),
        },
        rows=tuple(
            {"payment": row.pk, "at": entry.at, "title": entry.title, "detail": entry.detail}
            for row in rows
            for entry in timeline(row)
        ),
    )


# Erasure ----------------------------------------------------------------------------------------


@privacy.objects_to_erasure
def money_under_way(person: privacy.Person) -> Iterator[str]:
    """Money that may still arrive or go back needs its payer."""
    mine = service.payments_of(person.ids)
    if mine.filter(is_open=True).exists():
        yield _("A payment is under way: wait until it is paid, or cancel it.")
    unsettled = (contracts.REFUND_REQUESTED, contracts.REFUND_PENDING)
    if Refund.objects.filter(payment__in=mine, status__in=unsettled).exists():
        yield _("A refund is under way: wait until it has arrived.")
    if RefundApproval.objects.filter(payment__in=mine, state=RefundApproval.WAITING).exists():
        yield _("A refund waits for a second person: have it decided first.")
    if Dispute.objects.filter(payment__in=mine, status__in=contracts.UNSETTLED).exists():
        yield _("A bank disputes a payment: wait until it has decided.")


@privacy.erases(Payment, PaymentLine, Refund, RefundApproval, Dispute, ProviderEvent)
def erase_payer(work: privacy.Erasing) -> None:
    person = work.person
    now = work.at
    booked, free = service.split(person.ids, on=now.date())
    keys = [*booked.values_list("pk", flat=True), *free.values_list("pk", flat=True)]
    work.removed(_("Copies of the gateway's messages"), service.strike_messages(keys))
    work.removed(
        _("Payer and words of payments that were never paid or are past their time"),
        service.strike_names(free, pseudonym=work.pseudonym),
    )
    work.removed(
        _("Child's name on payments that were never paid"),
        service.strike_child(person.name, person.student_ids),
    )
    work.removed(_("Payer's e-mail on paid payments"), service.strike_addresses(booked))
    _say_what_stays(work, booked)


def _say_what_stays(work: privacy.Erasing, booked: QuerySet[Payment]) -> None:
    found = booked.aggregate(count=Count("pk"), last=Max("captured_at"))
    if found["count"]:
        work.refer()
        until = privacy.money_kept_until(found["last"].date())
        why = _("The law asks the school to keep its books.")
        work.stays(_("Paid payments with the payer's name"), why, until=until, count=found["count"])
        _say_of_stories(work, booked, until)
    if booked.exclude(provider=OFFLINE).exists():
        work.stays(
            _("What the payment gateway keeps for itself"),
            _("The school cannot reach it: the person asks the gateway."),
        )


def _say_of_stories(work: privacy.Erasing, booked: QuerySet[Payment], until: Any) -> None:
    """History cannot be changed. New events hold keys only; older ones and words that staff
    wrote may name somebody."""
    texts = [work.person.name, *work.person.emails]
    naming = events.streams_naming(booked.values_list("pk", flat=True), texts)
    why = _("Written by an earlier version or by staff; goes as a whole when the time is over.")
    work.stays(_("Stories of payments that name the payer"), why, until=until, count=len(naming))


@privacy.erases(StatementLine)
def erase_from_bank_lines(work: privacy.Erasing) -> None:
    """Lines that were recorded belong to the books; others that name the person lose the name."""
    work.removed(
        _("Name on bank lines that paid for nothing"), service.strike_bank_names(work.person.name)
    )
    kept = service.bank_lines_of(work.person.ids).count()
    why = _("The law asks the school to keep its books.")
    work.stays(_("Transfers on the bank statement"), why, count=kept)


@privacy.erases(ReconciliationRun, Discrepancy, BankStatement, LineTie)
def name_the_cashier(work: privacy.Erasing) -> None:
    """Staff who took or gave back money, or decided about an exception."""
    mine = Payment.objects.filter(actor__in=work.person.emails)
    back = Refund.objects.filter(actor__in=work.person.emails)
    emails = work.person.emails
    released = RefundApproval.objects.filter(Q(requested_by__in=emails) | Q(decided_by__in=emails))
    decided = Discrepancy.objects.filter(decided_by__in=emails)
    work.stays(
        ngettext(
            "Name of the cashier on a payment", "Name of the cashier on payments", mine.count()
        ),
        _("Who handled money must stay provable as long as the books are kept."),
        until=privacy.money_kept_until(work.at.date()),
        count=mine.count() + back.count() + released.count() + decided.count(),
    )


# Retention --------------------------------------------------------------------------------------

MONEY_DAYS = (settings.RETENTION_MONEY_YEARS + 1) * 366


@privacy.retention_rule(
    "payments.gateway_messages",
    title=gettext_lazy("Texts of the gateway's messages"),
    why=gettext_lazy("They have been worked off; the payment's own story says what they brought."),
    keep_days=400,
    work=service.strike_bodies,
)
def old_messages(cutoff: datetime) -> QuerySet[Any]:
    done = ProviderEvent.objects.exclude(state=ProviderEvent.RECEIVED)
    return done.filter(received_at__lt=cutoff).exclude(body="")


@privacy.retention_rule(
    "payments.unpaid",
    title=gettext_lazy("Payer and words of payments that never came about"),
    why=gettext_lazy("Nothing was paid, so nothing must be kept."),
    keep_days=400,
    work=service.strike_by_key,
)
def never_paid(cutoff: datetime) -> QuerySet[Any]:
    unpaid = Payment.objects.filter(is_open=False, captured_at__isnull=True)
    return service.named(unpaid.filter(started_at__lt=cutoff))


@privacy.retention_rule(
    "payments.names",
    title=gettext_lazy("Names on payments of the distant past"),
    why=gettext_lazy("The books of that time need not be kept any more; the sums stay."),
    keep_days=MONEY_DAYS,
    work=service.strike_by_key,
)
def names_past_their_time(cutoff: datetime) -> QuerySet[Any]:
    return service.named(Payment.objects.filter(is_open=False, started_at__lt=cutoff))


@privacy.retention_rule(
    "payments.bank_lines",
    title=gettext_lazy("Names and words on bank lines of the distant past"),
    why=gettext_lazy("The books of that time need not be kept any more; the sums stay."),
    keep_days=MONEY_DAYS,
    work=service.strike_bank_lines,
)
def bank_lines_past_their_time(cutoff: datetime) -> QuerySet[Any]:
    rows = StatementLine.objects.filter(booked_on__lt=cutoff.date())
    return rows.exclude(name="", text="")


@privacy.retention_rule(
    "payments.bank_files",
    title=gettext_lazy("Bank statements that were looked at and not imported"),
    why=gettext_lazy("Nobody came back to them."),
    keep_days=30,
    work=service.empty_statements,
)
def forgotten_statements(cutoff: datetime) -> QuerySet[Any]:
    return BankStatement.objects.filter(state=BankStatement.PREVIEW, uploaded_at__lt=cutoff)


@privacy.retention_rule(
    "payments.stories",
    title=gettext_lazy("Whole stories of payments of the distant past"),
    why=gettext_lazy("History cannot be changed, so it goes as a whole; the sums stay."),
    keep_days=MONEY_DAYS,
    work=service.purge_stories,
    owner=True,
)
def stories_past_their_time(cutoff: datetime) -> QuerySet[Any]:
    settled = Payment.objects.filter(is_open=False, version__gt=0).exclude(
        Q(refunds__status__in=(contracts.REFUND_REQUESTED, contracts.REFUND_PENDING))
        | Q(disputes__status__in=contracts.UNSETTLED)
    )
    return settled.filter(started_at__lt=cutoff)
