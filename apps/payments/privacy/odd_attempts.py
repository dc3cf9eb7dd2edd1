"""What is counted against misuse, about a person: told, erased, gone after a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.payments.models import FraudHold, PaymentOrigin
from apps.payments.services import privacy as service
from apps.tenants.facade import privacy


@privacy.collects(PaymentOrigin)
def export_origins(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = PaymentOrigin.objects.filter(payment__in=service.payments_of(person.ids))
    yield privacy.Section(
        name="payments.origins",
        title=_("Attempts to pay, as counted against misuse"),
        columns={"payment": _("Payment"), "started_at": _("Started"), "declines": _("Declines")},
        rows=tuple(
            {"payment": row.payment_id, "started_at": row.started_at, "declines": row.declines}
            for row in rows.order_by("started_at")
        ),
        note=_("Kept for a month; of the network address only a digest that leads nowhere."),
    )


@privacy.collects(FraudHold)
def export_holds(person: privacy.Person) -> Iterator[privacy.Section]:
    yield privacy.Section(
        name="payments.holds",
        title=_("Pauses of payments after odd attempts"),
        columns={"placed_at": _("When"), "until": _("Until"), "reason": _("Reason")},
        rows=tuple(
            {"placed_at": row.placed_at, "until": row.until, "reason": row.reason}
            for row in service.holds_of(person.ids).order_by("placed_at")
        ),
    )


@privacy.erases(PaymentOrigin, FraudHold)
def erase_origins(work: privacy.Erasing) -> None:
    holds = service.holds_of(work.person.ids)
    work.removed(_("Pauses of payments after odd attempts"), holds.delete()[0])
    origins = PaymentOrigin.objects.filter(payment__in=service.payments_of(work.person.ids))
    work.removed(_("Counted attempts to pay"), origins.delete()[0])


@privacy.retention_rule(
    "payments.origins",
    title=gettext_lazy("Counted attempts to pay"),
    why=gettext_lazy("Odd attempts are found within an hour, and looked into within weeks."),
    keep_days=30,
)
def old_origins(cutoff: datetime) -> QuerySet[Any]:
    return PaymentOrigin.objects.filter(started_at__lt=cutoff)


@privacy.retention_rule(
    "payments.holds",
    title=gettext_lazy("Pauses of payments after odd attempts"),
    why=gettext_lazy("They are over, and the audit trail tells of them."),
    keep_days=400,
)
def old_holds(cutoff: datetime) -> QuerySet[Any]:
    return FraudHold.objects.filter(until__lt=cutoff)
