"""Forms for bank statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.payments.models import BankStatement
from apps.payments.services.bank import accounts, csv_file, importing
from apps.payments.services.bank.entries import MAX_BYTES
from kernel.errors import Invalid

PRESETS = [
    ("iso", _("Commas, 2026-11-29, 1234.50")),
    ("us", _("Commas, 11/29/2026, 1,234.50")),
    ("uk", _("Commas, 29/11/2026, 1,234.50")),
    ("es", _("Semicolons, 29/11/2026, 1.234,50")),
]
DATES = [("iso", "2026-11-29"), ("dmy", "29/11/2026"), ("mdy", "11/29/2026")]
DELIMITERS = [(",", _("Comma")), (";", _("Semicolon")), ("tab", _("Tab"))]
DECIMALS = [(".", "1,234.50"), (",", "1.234,50")]
COLUMNS = {
    "date": _("Day"),
    "amount": _("Amount with its sign"),
    "credit": _("Money in"),
    "debit": _("Money out"),
    "name": _("Other party"),
    "text": _("Words"),
    "reference": _("Number of the entry"),
}


NEW_ACCOUNT = "+"


class StatementForm(forms.Form):
    """A statement from the bank. The account is one of those that are known; a new name is said
    on purpose, for under another name every line is new."""

    file = forms.FileField(label=_("Statement"), max_length=200)
    account = forms.ChoiceField(label=_("Bank account"))
    account_ref = forms.CharField(
        label=_("Name of the account"),
        max_length=60,
        required=False,
        help_text=_("A name of your own for an account that is new here."),
    )
    preset = forms.ChoiceField(label=_("How the bank writes"), choices=PRESETS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = accounts.labels()
        choices = [*((label, label) for label in known), (NEW_ACCOUNT, _("An account new here"))]
        choices = choices if len(known) == 1 else [("", _("Choose")), *choices]
        if known:
            self.fields["account"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["account"]

    def upload(self, *, actor: str) -> BankStatement:
        """Raises DomainError."""
        file = self.cleaned_data["file"]
        content = file.read(MAX_BYTES + 1)
        return importing.upload(
            content,
            file_name=file.name,
            account_ref=self._account(),
            preset=self.cleaned_data["preset"],
            actor=actor,
        )

    def _account(self) -> str:
        chosen: str = self.cleaned_data.get("account", NEW_ACCOUNT)
        return self.cleaned_data["account_ref"] if chosen == NEW_ACCOUNT else chosen


class LayoutForm(forms.Form):
    """How a CSV file is read: which column is what."""

    delimiter = forms.ChoiceField(label=_("Between columns"), choices=DELIMITERS)
    decimal = forms.ChoiceField(label=_("Amounts"), choices=DECIMALS)
    dates = forms.ChoiceField(label=_("Days"), choices=DATES)

    def __init__(self, *, header: Sequence[str], layout: Mapping[str, Any]) -> None:
        columns = layout.get("columns", {})
        initial = {key: layout.get(key) for key in ("delimiter", "decimal", "dates")}
        super().__init__(initial=initial | {f"col_{key}": columns.get(key, "") for key in columns})
        places = [("", "–"), *((str(i), name or str(i + 1)) for i, name in enumerate(header))]
        for key, label in COLUMNS.items():
            self.fields[f"col_{key}"] = forms.ChoiceField(
                label=label, choices=places, required=key == "date"
            )

    @staticmethod
    def layout_in(posted: Mapping[str, Any]) -> csv_file.Layout:
        """The layout that was chosen. Raises Invalid."""
        columns = {}
        for key in COLUMNS:
            place = str(posted.get(f"col_{key}") or "")
            if place and not (place.isascii() and place.isdigit() and len(place) < 4):
                raise Invalid(str(_("This layout is not known.")))
            if place:
                columns[key] = int(place)
        names = ("delimiter", "decimal", "dates")
        return csv_file.layout_of(
            {key: posted.get(key, "") for key in names} | {"columns": columns}
        )
