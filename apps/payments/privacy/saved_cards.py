"""Cards that the gateway keeps for a person: told, erased, gone after a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.payments.models import SavedMethod
from apps.tenants.facade import privacy


@privacy.collects(SavedMethod)
def export_saved_cards(person: privacy.Person) -> Iterator[privacy.Section]:
    keys = ("brand", "last4", "consent_text", "consented_at", "revoked_at")
    titles = (_("Card"), _("Last digits"), _("Agreed to"), _("Agreed at"), _("Removed"))
    yield privacy.Section(
        name="payments.saved_cards",
        title=_("Cards that the payment gateway keeps"),
        columns=dict(zip(keys, titles, strict=True)),
        rows=tuple(SavedMethod.objects.filter(payer_id__in=person.ids).values(*keys)),
        note=_("The school knows the last four digits only. The gateway's tokens are left out."),
    )


@privacy.erases(SavedMethod)
def erase_saved_cards(work: privacy.Erasing) -> None:
    cards = SavedMethod.objects.filter(payer_id__in=work.person.ids)
    work.removed(_("Saved cards; none of them can be charged any more"), cards.delete()[0])


@privacy.retention_rule(
    "payments.saved_cards",
    title=gettext_lazy("Saved cards that were removed, or never came to be kept"),
    why=gettext_lazy("Nobody can charge them; what was agreed to has had its time."),
    keep_days=400,
)
def cards_of_the_past(cutoff: datetime) -> QuerySet[Any]:
    never = Q(kept_at=None, consented_at__lt=cutoff, payment__is_open=False)
    return SavedMethod.objects.filter(Q(revoked_at__lt=cutoff) | never)
