"""What automatic payment holds about a guardian: told, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.fees.models import Autopay, AutopayCharge
from apps.fees.services import privacy as service
from apps.tenants.facade import privacy
from kernel.money import Money
from kernel.schools import current_school


@privacy.collects(Autopay, AutopayCharge)
def export_autopay(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = Autopay.objects.filter(guardian_id__in=person.guardian_ids)
    keys = ("card", "consent_text", "consented_at", "ended_at", "ended_why")
    titles = (_("Card"), _("Agreed to"), _("Agreed at"), _("Ended"), _("Why"))
    yield privacy.Section(
        name="fees.autopay",
        title=_("Automatic payment"),
        columns=dict(zip(keys, titles, strict=True)),
        rows=tuple({key: getattr(row, key) for key in keys} for row in rows),
    )
    charges = AutopayCharge.objects.filter(autopay__in=rows)
    yield privacy.Section(
        name="fees.autopay_charges",
        title=_("Automatic charges"),
        columns={"on": _("On"), "state": _("State"), "amount": _("Amount")},
        rows=tuple(
            {
                "on": row.on,
                "state": str(row.get_state_display()),
                "amount": Money(row.amount_minor, current_school().currency),
            }
            for row in charges
        ),
    )


@privacy.erases(Autopay, AutopayCharge)
def erase_autopay(work: privacy.Erasing) -> None:
    wishes = Autopay.objects.filter(guardian_id__in=work.person.guardian_ids)
    count = service.delete_autopay(wishes.values("pk"))
    work.removed(_("Automatic payment; no card is charged any more"), count)


@privacy.retention_rule(
    "fees.autopay",
    title=gettext_lazy("Automatic payment that has ended, with its charges"),
    why=gettext_lazy("No card is charged by it; what was agreed to has had its time."),
    keep_days=400,
    work=service.delete_autopay,
)
def autopay_of_the_past(cutoff: datetime) -> QuerySet[Any]:
    return Autopay.objects.filter(ended_at__lt=cutoff)
