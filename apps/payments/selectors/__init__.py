"""Reading payments. Rows become contracts here; models never leave the app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Max, Min, Prefetch, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, models
from apps.payments.providers import offline
from apps.payments.selectors.reversals import is_reversal, status_of, with_status
from kernel.errors import NotFound
from kernel.schools import current_school


def payments_with_parts() -> QuerySet[models.Payment]:
    """Payments with lines and refunds, in three queries for any number of them."""
    return models.Payment.objects.prefetch_related(
        "lines", Prefetch("refunds", queryset=models.Refund.objects.order_by("requested_at", "id"))
    )


def get_payment_row(payment_id: UUID) -> models.Payment:
    """Raises NotFound."""
    payment = payments_with_parts().filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("There is no such payment."))
    return payment


def get_payment(payment_id: UUID) -> contracts.PaymentInfo:
    """Raises NotFound."""
    return to_info(get_payment_row(payment_id))


def kept_minor() -> int:
    """Captured minus refunded minus lost to disputes over all payments, in minor units."""
    kept = Sum("captured_minor") - Sum("refunded_minor") - Sum("lost_minor")
    return int(models.Payment.objects.aggregate(kept=kept)["kept"] or 0)


def payment_of_key(idempotency_key: str) -> contracts.PaymentInfo | None:
    """The latest payment that was started under this key."""
    rows = payments_with_parts().filter(idempotency_key=idempotency_key)
    found = rows.order_by("-started_at").first()
    return to_info(found) if found else None


def resume_url(payment_id: UUID) -> str | None:
    """The hosted page while it can still be used. Raises NotFound."""
    payment = get_payment_row(payment_id)
    over = payment.session_expires_at is None or payment.session_expires_at <= timezone.now()
    usable = payment.is_open and payment.status in (contracts.PENDING, contracts.DECLINED)
    return payment.hosted_url or None if usable and not over else None


def payments_for(references: Iterable[str]) -> list[contracts.PaymentInfo]:
    """Every payment with a line for one of these references, newest first."""
    ids = models.PaymentLine.objects.filter(reference__in=list(references)).values("payment_id")
    return [to_info(p) for p in payments_with_parts().filter(pk__in=ids).order_by("-started_at")]


def open_payments(references: Iterable[str]) -> list[contracts.PaymentInfo]:
    """Payments that may still bring money for one of these references."""
    ids = models.OpenClaim.objects.filter(reference__in=list(references)).values("payment_id")
    return [to_info(p) for p in payments_with_parts().filter(pk__in=ids).order_by("-started_at")]


def search_payments(
    *,
    text: str = "",
    status: str = "",
    since: date | None = None,
    until: date | None = None,
    attention: bool = False,
    payer_id: UUID | None = None,
) -> QuerySet[models.Payment]:
    """Payments newest first. Dates are days in the school's zone, both included."""
    rows = models.Payment.objects.order_by("-started_at", "-id")
    if text:
        rows = rows.filter(_matches(text))
    if status:
        rows = with_status(rows, status)
    if attention:
        rows = rows.exclude(attention="")
    if payer_id:
        rows = rows.filter(payer_id=payer_id)
    if since:
        rows = rows.filter(started_at__gte=start_of_day(since))
    if until and until < date.max:
        rows = rows.filter(started_at__lt=start_of_day(until + timedelta(days=1)))
    return rows


def _matches(text: str) -> Q:
    found = (
        Q(payer_name__icontains=text)
        | Q(payer_email__icontains=text)
        | Q(description__icontains=text)
        | Q(capture_id=text)
        | Q(session_id=text)
    )
    try:
        return found | Q(pk=UUID(text))
    except ValueError:
        return found


def start_of_day(day: date) -> datetime:
    """The first moment of a day in the school's zone."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(current_school().time_zone))


def takings(*, since: date, until: date) -> contracts.TakingsInfo:
    """Money in and out between two days, both included. Amounts in the school's currency only."""
    begin, end = start_of_day(since), start_of_day(until + timedelta(days=1))
    currency = current_school().currency
    taken = models.Payment.objects.filter(
        captured_at__gte=begin, captured_at__lt=end, currency=currency
    ).aggregate(total=Sum("captured_minor"), count=Count("id"))
    returned = models.Refund.objects.filter(
        status=contracts.REFUND_SUCCEEDED,
        capture_id="",
        completed_at__gte=begin,
        completed_at__lt=end,
        payment__currency=currency,
    ).aggregate(total=Sum("amount_minor"))
    return contracts.TakingsInfo(
        since=since,
        until=until,
        captured_minor=taken["total"] or 0,
        refunded_minor=returned["total"] or 0,
        count=taken["count"],
        currency=currency,
    )


def captured_online(*, begins: datetime, ends: datetime) -> contracts.OnlineTotals:
    """Captured by a gateway from `begins` up to `ends` (exclusive), in the school's currency.

    Test payments do not count; those of the sandbox do only where the sandbox is allowed.
    """
    rows = models.Payment.objects.filter(
        captured_at__gte=begins, captured_at__lt=ends, currency=current_school().currency
    ).exclude(provider=models.OFFLINE)
    real = rows.exclude(mode__in=unreal_modes())
    found = real.aggregate(total=Sum("captured_minor"), count=Count("id"))
    return contracts.OnlineTotals(captured_minor=found["total"] or 0, count=found["count"])


def unreal_modes() -> set[str]:
    """Money that never counts: test payments; the sandbox's only where it is not allowed."""
    return {models.TEST} if settings.SANDBOX_ALLOWED else {models.TEST, models.SANDBOX}


def to_info(payment: models.Payment) -> contracts.PaymentInfo:
    return contracts.PaymentInfo(
        id=payment.pk,
        status=status_of(payment),
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        refundable_minor=payment.refundable_minor,
        disputed_minor=payment.disputed_minor,
        lost_minor=payment.lost_minor,
        cover_minor=payment.cover_minor,
        lines=tuple(to_line(line) for line in payment.lines.all()),
        payer_id=payment.payer_id,
        payer_name=payment.payer_name,
        payer_email=payment.payer_email,
        provider=payment.provider,
        method=payment.method,
        test_mode=payment.mode in (models.SANDBOX, models.TEST),
        description=payment.description,
        started_at=payment.started_at,
        captured_at=payment.captured_at,
        is_open=payment.is_open,
        charges_method=payment.charges_method,
        attention=payment.attention,
        refunds=tuple(to_refund(r, payment.currency) for r in payment.refunds.all()),
    )


def what_for(payment: models.Payment) -> str:
    """What is paid, line by line; what the gateway was told where there are no lines."""
    lines = [line.description for line in payment.lines.all()]
    return ", ".join(lines) or payment.description


def to_line(line: models.PaymentLine) -> contracts.PaymentLine:
    return contracts.PaymentLine(
        reference=line.reference, description=line.description, amount_minor=line.amount_minor
    )


def to_refund(refund: models.Refund, currency: str) -> contracts.RefundInfo:
    return contracts.RefundInfo(
        id=refund.pk,
        payment_id=refund.payment_id,
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=currency,
        reason=refund.reason,
        requested_at=refund.requested_at,
        completed_at=refund.completed_at,
        failure=refund.failure,
        external=refund.external,
        returned=is_reversal(refund),
        mistaken=refund.idempotency_key.startswith(offline.UNDONE_MATCH),
    )


def list_accounts() -> list[contracts.AccountInfo]:
    """Gateway accounts, the default one first; keys masked."""
    rows = models.GatewayAccount.objects.order_by(
        "-is_default", F("turned_off_at").asc(nulls_first=True), "created_at"
    )
    return [to_account(row) for row in rows]


def to_account(account: models.GatewayAccount) -> contracts.AccountInfo:
    return contracts.AccountInfo(
        id=account.pk,
        provider=account.provider,
        mode=account.mode,
        label=account.label,
        masked_key=account.masked_key,
        is_default=account.is_default,
        webhook_ready=bool(account.webhook_secret),
        webhook_url=account.webhook_url,
        problem=account.problem,
        connected_account=account.connected_account,
        is_on=account.turned_off_at is None,
        checked_at=account.checked_at,
        old_secret_until=_still_to_come(account.previous_secret_until),
        is_offered=account.is_offered,
    )


def get_account(account_id: UUID) -> contracts.AccountInfo:
    """Raises NotFound."""
    account = models.GatewayAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound(_("There is no such gateway account."))
    return to_account(account)


def account_use(account_id: UUID) -> dict[str, Any]:
    """How many payments are open at the account, and when it last sent a message (UTC)."""
    rows = models.Payment.objects.filter(account_id=account_id)
    events = models.ProviderEvent.objects.filter(account_id=account_id)
    return {
        "open": rows.filter(is_open=True).count(),
        "last_message_at": events.aggregate(last=Max("received_at"))["last"],
    }


def _still_to_come(moment: datetime | None) -> datetime | None:
    return moment if moment and moment > timezone.now() else None


def offered_accounts() -> QuerySet[models.GatewayAccount]:
    """Accounts with keys that payers may choose beside the one in use, oldest first."""
    rows = models.GatewayAccount.objects.filter(is_offered=True, turned_off_at=None)
    return rows.exclude(secret_key="").order_by("created_at")


def default_account() -> models.GatewayAccount | None:
    return models.GatewayAccount.objects.filter(is_default=True, turned_off_at=None).first()


def account_in_service(account_id: UUID) -> models.GatewayAccount | None:
    """The account, unless it is turned off."""
    return models.GatewayAccount.objects.filter(pk=account_id, turned_off_at=None).first()


def account_by_webhook_key(webhook_key: str) -> models.GatewayAccount | None:
    return models.GatewayAccount.objects.filter(webhook_key=webhook_key).first()


def holds(*, state: str = "") -> QuerySet[models.FraudHold]:
    """Pauses after odd attempts, newest first; `state` "" for all."""
    rows = models.FraudHold.objects.filter(state=state) if state else models.FraudHold.objects
    return rows.order_by("-placed_at", "-id")


def get_hold(hold_id: UUID) -> models.FraudHold:
    """Raises NotFound."""
    hold = models.FraudHold.objects.filter(pk=hold_id).first()
    if hold is None:
        raise NotFound(_("There is no such entry."))
    return hold


def held_attempts(hold: models.FraudHold) -> QuerySet[models.PaymentOrigin]:
    """The attempts of the day before the hold, newest first, with their payments."""
    kind, _colon, key = hold.subject.partition(":")
    which = {"family_id" if kind == "family" else "source": key}
    rows = models.PaymentOrigin.objects.filter(
        started_at__gte=hold.placed_at - timedelta(days=1), **which
    )
    return rows.select_related("payment").order_by("-started_at")


def provider_events(*, state: str = "", text: str = "") -> QuerySet[models.ProviderEvent]:
    """Messages of gateways, newest first, without their bodies."""
    rows = models.ProviderEvent.objects.select_related("account").defer("body")
    if state:
        rows = rows.filter(state=state)
    if text:
        rows = rows.filter(Q(event_id=text) | Q(object_id=text) | Q(event_type__icontains=text))
    return rows.order_by("-received_at", "-id")


def due_provider_events(*, now: datetime, limit: int = 200) -> Sequence[UUID]:
    """Messages whose turn has come: those that no worker has dealt with yet, and unmatched ones
    that may have come before what they are about."""
    rows = models.ProviderEvent.objects.filter(next_attempt_at__lte=now)
    return list(rows.order_by("next_attempt_at").values_list("id", flat=True)[:limit])


def next_message_due() -> datetime | None:
    """When the next message waits to be taken up; None when none does."""
    waiting = models.ProviderEvent.objects.filter(next_attempt_at__isnull=False)
    return waiting.aggregate(soonest=Min("next_attempt_at"))["soonest"]


def next_check_due() -> datetime | None:
    """When the gateway is to be asked next about a payment, or a request for a refund ends; None
    when nothing waits."""
    waiting = models.RefundApproval.objects.filter(state=models.RefundApproval.WAITING)
    moments = (
        models.Payment.objects.aggregate(soonest=Min("next_check_at"))["soonest"],
        waiting.aggregate(soonest=Min("expires_at"))["soonest"],
    )
    return min((moment for moment in moments if moment), default=None)


def due_checks(*, now: datetime, limit: int = 200) -> Sequence[UUID]:
    """Payments about which the gateway should be asked again."""
    rows = models.Payment.objects.filter(next_check_at__lte=now)
    return list(rows.order_by("next_check_at").values_list("id", flat=True)[:limit])
