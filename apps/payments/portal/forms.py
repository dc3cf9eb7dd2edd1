"""Forms of the payments pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.payments import models
from apps.payments.portal.labels import PROVIDER, STATUS
from kernel.money import amount_text, parse_amount


class PaymentFilter(forms.Form):
    """What the list of payments shows; anything unreadable is left out."""

    status = forms.ChoiceField(
        required=False,
        label=_("Status"),
        choices=[("", _("Any status")), *[(key, label[0]) for key, label in STATUS.items()]],
    )
    since = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    attention = forms.BooleanField(required=False, label=_("Needs a look"))

    def chosen(self) -> dict[str, Any]:
        """Only the values that are valid."""
        self.is_valid()
        return {key: value for key, value in self.cleaned_data.items() if value}


class RefundForm(forms.Form):
    """How much to give back, and why. The key makes a second click harmless."""

    amount = forms.CharField(label=_("Amount"), max_length=30)
    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("The family sees this.")
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str, left_minor: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].initial = amount_text(left_minor, currency)
        self.fields["amount"].widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def clean_amount(self) -> int:
        try:
            return parse_amount(self.cleaned_data["amount"], self.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SecretInput(forms.PasswordInput):
    """What is typed is hidden, kept by no browser and never sent back."""

    def __init__(self) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false"})


class RenameForm(forms.Form):
    """What the school calls the account."""

    label = forms.CharField(label=_("Name"), max_length=80)


class KeyForm(forms.Form):
    """Another key of the same account."""

    secret_key = forms.CharField(
        label=_("New secret key"), max_length=255, strip=True, widget=SecretInput()
    )


class SecretForm(forms.Form):
    """A signing secret made in the gateway's dashboard."""

    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=255,
        strip=True,
        widget=SecretInput(),
        help_text=_("From the webhook's page in the Stripe dashboard. It is stored encrypted."),
    )


class HoldForm(forms.Form):
    """Why a held payer may go on, or may not."""

    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("For your colleagues."))


class WhyForm(forms.Form):
    """The reason of a decision, for the trail of money actions."""

    why = forms.CharField(
        label=_("Why"),
        max_length=300,
        help_text=_("It stays in the payment's story. Name no parent or child in it."),
    )


class DeclineForm(forms.Form):
    """Why a refund is not approved."""

    note = forms.CharField(label=_("Why not"), max_length=300)


class AccountForm(forms.Form):
    """An account of the school at a gateway."""

    provider = forms.ChoiceField(
        label=_("Gateway"), choices=list(PROVIDER.items()), initial=models.STRIPE
    )
    label = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What the office calls this account.")
    )
    mode = forms.ChoiceField(
        label=_("Kind of key"),
        choices=[
            (models.TEST, _("Test: no real money moves")),
            (models.LIVE, _("Live: real money")),
        ],
    )
    client_id = forms.CharField(
        label=_("Client ID"),
        max_length=255,
        required=False,
        strip=True,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Only for PayPal: from the app's page in its developer dashboard."),
    )
    secret_key = forms.CharField(
        label=_("Secret key"),
        max_length=255,
        strip=True,
        widget=SecretInput(),
        help_text=_(
            "From the Stripe dashboard, under Developers; or the secret of the app at PayPal. "
            "It is stored encrypted."
        ),
    )
    connected_account = forms.CharField(
        label=_("Connected account"),
        max_length=60,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Only when the key is a district's or another platform's: the number “acct_…” of the "
            "school's account there."
        ),
    )


class ReasonForm(forms.Form):
    """Why something is left as it is."""

    reason = forms.CharField(label=_("Reason"), max_length=300)
