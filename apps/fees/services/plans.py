"""Instalment plans: checked when a fee is saved, written beside the invoices of a run."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from apps.fees.aggregate import parse_shares
from apps.fees.contracts import Part
from apps.fees.models import Instalment, Invoice
from kernel.errors import Invalid

MAX_PARTS = 12


def checked_shares(text: str) -> str:
    """“40, 30, 30” in its usual spelling; empty for none. Raises Invalid when they do not make up
    100 %."""
    if not text.strip():
        return ""
    try:
        shares = parse_shares(text)
    except ValueError:
        shares = ()
    if sum(shares) != 100 or min(shares) <= 0 or not 2 <= len(shares) <= MAX_PARTS:
        message = _("Write 2 to %(most)d percents that make up 100, like “40, 30, 30”.")
        raise Invalid(message % {"most": MAX_PARTS}, field="shares")
    return ", ".join(map(str, shares))


def write_instalments(invoices: Sequence[Invoice], plans: Sequence[Sequence[Part]]) -> None:
    """The parts of each invoice, beside it; the caller holds the transaction."""
    Instalment.objects.bulk_create(
        Instalment(
            invoice=invoice,
            due_on=part.due_on,
            amount_minor=part.amount_minor,
            left_after_minor=sum(later.amount_minor for later in parts[place + 1 :]),
        )
        for invoice, parts in zip(invoices, plans, strict=True)
        for place, part in enumerate(parts)
    )
