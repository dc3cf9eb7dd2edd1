"""What a family may send."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fees.services.wishes import Wish
from kernel.money import parse_amount
from kernel.schools import current_school


class LinkForm(forms.Form):
    """Mail me a fresh link."""

    email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class PayForm(forms.Form):
    """The Pay button, with or without choices."""

    token = forms.UUIDField()
    choose = forms.BooleanField(required=False)
    use_credit = forms.BooleanField(required=False)
    amount = forms.CharField(required=False, max_length=30)
    method = forms.CharField(required=False, max_length=20)
    keep_card = forms.BooleanField(required=False)
    due_only = forms.BooleanField(required=False)
    cover = forms.BooleanField(required=False)
    # What the reader was shown of the sum and its cover; missing, they have seen neither yet.
    expected = forms.IntegerField(required=False, min_value=0)
    expected_cover = forms.IntegerField(required=False, min_value=0)

    def clean_amount(self) -> int | None:
        text = self.cleaned_data["amount"].strip()
        if not text:
            return None
        try:
            return parse_amount(text, current_school().currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            data["invoices"] = tuple(UUID(key) for key in self._chosen())
        except ValueError as error:
            raise forms.ValidationError(_("There is no such invoice.")) from error
        if data.get("choose") and not data["invoices"]:
            raise forms.ValidationError(_("Choose at least one invoice."))
        return data

    def _chosen(self) -> list[str]:
        return self.data.getlist("invoices")  # type: ignore[attr-defined]

    def wish(self) -> Wish:
        data = self.cleaned_data
        return Wish(
            invoice_ids=data["invoices"] if data["choose"] else None,
            amount_minor=data["amount"],
            use_credit=data["use_credit"],
            token=data["token"],
            method=data["method"],
            keep_card=data["keep_card"],
            due_only=data["due_only"],
            cover=data["cover"],
        )

    def expected_minor(self) -> int | None:
        """The whole sum to which the reader said yes; None before they were asked."""
        data = self.cleaned_data
        if data["expected"] is None:
            return None
        return data["expected"] + (data["expected_cover"] or 0 if data["cover"] else 0)


class CardForm(PayForm):
    """Pay with a saved card."""

    card = forms.UUIDField()


class AutopayForm(forms.Form):
    """Turn automatic payment on."""

    method = forms.UUIDField()
    agree = forms.BooleanField()
    rate = forms.CharField(required=False, max_length=60)  # what the words said of the cost
