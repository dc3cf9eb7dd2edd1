"""Forms of the console for plans and invoices. The rules are the services'."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.tenants.choices import currency_choices
from apps.tenants.models import Plan
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.meters import LIMITED, METERS, STORAGE
from kernel.money import amount_text, parse_amount

FIELDS = ("included", "limit", "extra_unit", "extra_price")
GB, PERCENT = 10**9, 100  # in bytes, in hundredths of a percent
LEAST_GB, MOST_GB = Decimal("0.001"), 1_000_000


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class UnitField(forms.DecimalField):
    """Typed in a larger unit than it is kept in: 2.5 (GB) gives 2500000000 (bytes), exactly.

    Its initial value is in the larger unit too: `in_unit`.
    """

    def __init__(self, unit: int, **kwargs: Any) -> None:
        super().__init__(decimal_places=len(str(unit)) - 1, localize=True, **kwargs)
        self.unit = unit

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        return None if typed is None else int(typed * self.unit)


def in_unit(value: int | None, unit: int) -> Decimal | None:
    return None if value is None else Decimal(value) / unit


def _amount_field(meter: str, *, some: bool = False, **kwargs: Any) -> forms.Field:
    """A quantity of this meter, storage in GB; with `some` more than nothing."""
    if meter == STORAGE:
        least = LEAST_GB if some else 0
        return UnitField(GB, min_value=least, max_value=MOST_GB, **kwargs)
    return forms.IntegerField(min_value=int(some), **kwargs)


class PlanForm(forms.Form):
    code = forms.CharField(
        label=_("Code"), max_length=32, help_text=_("For commands: small letters, “basic”.")
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    name = forms.CharField(label=_("Name"), max_length=60)
    text = forms.CharField(label=_("In one sentence"), max_length=200, required=False)
    price = forms.CharField(label=_("Price a month"), max_length=20)
    payment_fee_bp = UnitField(
        PERCENT,
        label=_("Fee on online payments"),
        min_value=0,
        max_value=100,
        help_text=_("In percent, such as 1.25."),
    )
    trial_days = forms.IntegerField(label=_("Days of trial"), min_value=0, max_value=365)
    active_from = forms.DateField(label=_("Sold from"), widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for meter in LIMITED:
            self.fields[f"{meter}_included"] = _amount_field(meter, label=_("Included"))
            self.fields[f"{meter}_limit"] = _amount_field(
                meter, label=_("At most"), required=False, help_text=_("Empty: no limit.")
            )
            self.fields[f"{meter}_extra_unit"] = _amount_field(
                meter, some=True, label=_("Each further")
            )
            self.fields[f"{meter}_extra_price"] = forms.CharField(
                label=_("costs a month"), max_length=20
            )

    def groups(self) -> list[dict[str, Any]]:
        """The fields of each meter, for the page."""
        return [
            {"label": METERS[meter].label, "fields": [self[f"{meter}_{name}"] for name in FIELDS]}
            for meter in LIMITED
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        currency = cleaned.get("currency", "USD")
        for name in ("price", *(f"{meter}_extra_price" for meter in LIMITED)):
            try:
                cleaned[f"{name}_minor"] = parse_amount(cleaned.get(name, "0"), currency)
            except ValueError as error:
                self.add_error(name, str(error))
        return cleaned

    def order(self) -> dict[str, Any]:
        """The arguments of `publish_plan`."""
        names = ("code", "currency", "name", "text", "payment_fee_bp", "trial_days", "active_from")
        values = {name: self.cleaned_data[name] for name in names}
        values["price_minor"] = self.cleaned_data["price_minor"]
        values["allowances"] = {meter: self._allowance(meter) for meter in LIMITED}
        return values

    def _allowance(self, meter: str) -> Allowance:
        return Allowance(
            included=self.cleaned_data[f"{meter}_included"],
            limit=self.cleaned_data[f"{meter}_limit"],
            extra_unit=self.cleaned_data[f"{meter}_extra_unit"],
            extra_price_minor=self.cleaned_data[f"{meter}_extra_price_minor"],
        )


def initial_of(plan: Plan | None) -> dict[str, Any]:
    """What the form starts with: the version that is changed, or an empty plan."""
    today = timezone.now().date()
    if plan is None:
        values: dict[str, Any] = {"currency": "USD", "payment_fee_bp": 0, "trial_days": 30}
        for meter in LIMITED:
            values |= {f"{meter}_extra_unit": 1, f"{meter}_extra_price": "0"}
        return {**values, "active_from": today}
    names = ("code", "currency", "name", "text", "payment_fee_bp", "trial_days")
    values = {name: getattr(plan, name) for name in names}
    values["payment_fee_bp"] = in_unit(plan.payment_fee_bp, PERCENT)
    for row in plan.allowances.all():
        unit = GB if row.meter == STORAGE else 1
        values[f"{row.meter}_included"] = in_unit(row.included, unit)
        values[f"{row.meter}_limit"] = in_unit(row.limit, unit)
        values[f"{row.meter}_extra_unit"] = in_unit(row.extra_unit, unit)
        values[f"{row.meter}_extra_price"] = amount_text(row.extra_price_minor, plan.currency)
    price = amount_text(plan.price_minor, plan.currency)
    return {**values, "price": price, "active_from": today}


class ChangePlanForm(forms.Form):
    plan = forms.ChoiceField(label=_("Plan"))
    starts_on = forms.DateField(label=_("From"), widget=DayInput())

    def __init__(self, plans: list[Plan], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (f"{plan.code} {plan.currency}", f"{plan.name}, {plan.currency}") for plan in plans
        ]
        self.fields["plan"] = forms.ChoiceField(label=_("Plan"), choices=choices)


class PaymentForm(forms.Form):
    amount = forms.CharField(label=_("Amount"), max_length=20)
    received_on = forms.DateField(label=_("Received on"), widget=DayInput())
    reference = forms.CharField(
        label=_("Reference"), max_length=120, help_text=_("As on the bank statement.")
    )

    def __init__(self, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean_amount(self) -> int:
        try:
            return parse_amount(self.cleaned_data["amount"], self.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class CreditForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)
