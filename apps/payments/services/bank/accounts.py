"""What a school calls its bank accounts, and which IBAN each is known to have."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.payments.models import BankStatement
from kernel.errors import Invalid

FIRST = "main"


def key(label: str) -> str:
    """Labels that read the same are one account."""
    return " ".join(label.split()).casefold()


def labels() -> list[str]:
    """The accounts of which something was imported, the one used last first, each once."""
    rows = BankStatement.objects.filter(state=BankStatement.IMPORTED).order_by("-imported_at")
    found: dict[str, str] = {}
    for label in rows.values_list("account_ref", flat=True):
        found.setdefault(key(label), label)
    return list(found.values())


def ibans() -> dict[str, str]:
    """Account (its key) -> IBAN, where a file that names it was imported."""
    rows = BankStatement.objects.filter(state=BankStatement.IMPORTED).exclude(iban="")
    pairs = rows.order_by("imported_at").values_list("account_ref", "iban")
    return {key(label): iban for label, iban in pairs}


def choose(label: str, *, iban: str) -> str:
    """The account of a file. An IBAN decides once it is bound; until then the person does, and
    binds it by importing. Raises Invalid for no name, or one that belongs to another IBAN."""
    known = {key(one): one for one in labels()}
    bound = {number: account for account, number in ibans().items()}
    if iban in bound:
        return known[bound[iban]]
    chosen = " ".join(label.split())[:60] or iban or ("" if known else FIRST)
    if not chosen:
        raise Invalid(_("Say which bank account this is."), field="account_ref")
    if iban and ibans().get(key(chosen), iban) != iban:
        raise Invalid(_("The file is of another account than this one."), field="account_ref")
    return known.get(key(chosen), chosen)
