"""What automatic payment holds about a guardian: told, and erased."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.fees.models import Autopay, AutopayCharge
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
    AutopayCharge.objects.filter(autopay__in=wishes).delete()
    work.removed(_("Automatic payment; no card is charged any more"), wishes.delete()[0])
