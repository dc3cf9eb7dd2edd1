"""Odd attempts to pay: too many from one family, or cards tried out from one address.

A hit pauses new attempts for a while and stands in a queue until a person has looked at it. What
was counted is one small row a payment (PaymentOrigin): whose family, and a digest of the address
that the request came from. The address itself is never kept.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments.models import FraudHold, PaymentOrigin
from apps.payments.preferences import (
    ADDRESS_DECLINES,
    FAMILY_ATTEMPTS,
    FAMILY_DECLINES,
    FRAUD_CHECKS,
    PAUSE_MINUTES,
)
from apps.payments.services.errors import PaymentsPaused
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import current_school

WINDOW = timedelta(hours=1)
KEPT_FOR = timedelta(days=7)
# Declines at one address look like a stolen list of cards only when several payers have them.
PAYERS_AT_ONE_ADDRESS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an attempt comes from: opaque keys. `source` is made by `source_of`."""

    family_id: UUID
    source: str = ""

    @property
    def subjects(self) -> list[str]:
        """What a hold may be on."""
        addresses = [f"source:{self.source}"] if self.source else []
        return [f"family:{self.family_id}", *addresses]


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody is over a limit: who, by which check, and what was counted."""

    subject: str
    kind: str
    seen: dict[str, int]


def source_of(address: str) -> str:
    """A digest of the payer's network address that nobody can turn back, another one in every
    school; "" for what is no address. Of IPv6 the first 64 bits: one household has all the rest."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv6Address):
        address = str(ip_network(f"{known}/64", strict=False))
    text = f"payments.source:{current_school().schema_name}:{address}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), sha256).hexdigest()[:32]


def check(origin: Origin | None) -> None:
    """Refuse a new attempt of somebody who is held, or who comes too often now.

    Raises PaymentsPaused. Call outside a transaction: the hold must outlive the refusal.
    """
    if origin is None or not FRAUD_CHECKS.value:
        return
    if is_held(origin) or _place_holds(origin, beginning=1):
        raise PaymentsPaused


def remember(payment_id: UUID, origin: Origin | None, *, at: datetime) -> None:
    """Note where a payment comes from, in the transaction that begins it."""
    if origin is not None:
        PaymentOrigin.objects.create(
            payment_id=payment_id,
            family_id=origin.family_id,
            source=origin.source,
            started_at=at,
        )


def after_decline(payment_id: UUID, *, declines: int) -> bool:
    """Count the declines of a payment; True when its payer may not try any further."""
    if not declines or not FRAUD_CHECKS.value:
        return False
    row = PaymentOrigin.objects.filter(payment_id=payment_id).first()
    if row is None:
        return False
    origin = Origin(family_id=row.family_id, source=row.source)
    fresh = PaymentOrigin.objects.filter(pk=row.pk, declines__lt=declines)
    if fresh.update(declines=declines, declined_at=timezone.now()):
        _place_holds(origin)
    return is_held(origin)


def is_held(origin: Origin) -> bool:
    return _holding(origin.subjects).exists()


def _holding(subjects: list[str]) -> QuerySet[FraudHold]:
    rows = FraudHold.objects.filter(subject__in=subjects, until__gt=timezone.now())
    return rows.exclude(state=FraudHold.RELEASED)


def _place_holds(origin: Origin, *, beginning: int = 0) -> bool:
    """Hold whoever is over a limit. `beginning`: attempts that are about to be made."""
    hits = [hit for hit in (_family_hit(origin, beginning), _address_hit(origin)) if hit]
    for hit in hits:
        _place(hit)
    return bool(hits)


def _family_hit(origin: Origin, beginning: int) -> Hit | None:
    subject = origin.subjects[0]
    since = _counted_since(subject)
    counted = PaymentOrigin.objects.filter(family_id=origin.family_id).aggregate(
        attempts=Count("pk", filter=Q(started_at__gte=since)),
        declines=Sum("declines", filter=Q(declined_at__gte=since)),
    )
    attempts, declines = counted["attempts"] + beginning, counted["declines"] or 0
    if attempts <= FAMILY_ATTEMPTS.value and declines < FAMILY_DECLINES.value:
        return None
    return Hit(subject, FraudHold.VELOCITY, {"attempts": attempts, "declines": declines})


def _address_hit(origin: Origin) -> Hit | None:
    if not origin.source:
        return None
    subject = origin.subjects[1]
    rows = PaymentOrigin.objects.filter(
        source=origin.source, declined_at__gte=_counted_since(subject)
    )
    counted = rows.aggregate(
        declines=Sum("declines"), payers=Count("payment__payer_id", distinct=True)
    )
    declines, payers = counted["declines"] or 0, counted["payers"]
    if declines < ADDRESS_DECLINES.value or payers < PAYERS_AT_ONE_ADDRESS:
        return None
    return Hit(subject, FraudHold.CARD_TESTING, {"declines": declines, "payers": payers})


def _counted_since(subject: str) -> datetime:
    """The window's begin, or the end of the last hold: what led to it is not held against anybody
    twice."""
    now = timezone.now()
    begin = now - WINDOW
    last = FraudHold.objects.filter(subject=subject).order_by("-placed_at").first()
    if last is None:
        return begin
    ended = last.decided_at if last.state == FraudHold.RELEASED else last.until
    return max(begin, min(ended or begin, now))


def _place(hit: Hit) -> None:
    """One entry of the queue for each subject; a further hit makes it longer."""
    now = timezone.now()
    FraudHold.objects.update_or_create(
        subject=hit.subject,
        state=FraudHold.OPEN,
        defaults={
            "kind": hit.kind,
            "seen": hit.seen,
            "placed_at": now,
            "until": now + timedelta(minutes=PAUSE_MINUTES.value),
        },
    )
    identity.record_audit(
        actor="system", action="payments.hold_placed", subject=hit.kind, detail=dict(hit.seen)
    )


# Decisions of people --------------------------------------------------------------------------


@transaction.atomic
def release(*, hold_id: UUID, reason: str, actor: str) -> FraudHold:
    """Let the payer try again at once. Raises NotFound, Invalid without a reason."""
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason")
    return _decide(hold_id, FraudHold.RELEASED, reason, actor, "payments.hold_released")


@transaction.atomic
def keep(*, hold_id: UUID, reason: str, actor: str) -> FraudHold:
    """A person agrees: no payment for a week, unless somebody releases it. Raises NotFound."""
    hold = _decide(hold_id, FraudHold.KEPT, reason, actor, "payments.hold_kept")
    hold.until = timezone.now() + KEPT_FOR
    hold.save(update_fields=["until"])
    return hold


def _decide(hold_id: UUID, state: str, reason: str, actor: str, action: str) -> FraudHold:
    hold = FraudHold.objects.select_for_update().filter(pk=hold_id).first()
    if hold is None:
        raise NotFound(_("There is no such entry."))
    if hold.state == FraudHold.RELEASED:
        raise Conflict(_("This has been released before."))
    hold.state, hold.reason = state, reason.strip()[:300]
    hold.decided_by, hold.decided_at = actor, timezone.now()
    hold.save()
    detail = {"reason": hold.reason, "hold_id": str(hold.pk)}
    identity.record_audit(actor=actor, action=action, subject=hold.kind, detail=detail)
    return hold
