"""Forms of the bursar's pages. Amounts are typed as people write them, cleaned to minor units."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fees.contracts import RefundPart
from apps.fees.models import Fee, FeeCategory, RefundDecision
from apps.fees.preferences import DUE_DAYS
from apps.fees.selectors import catalogue
from apps.payments.contracts import AccountInfo
from apps.students import facade as students
from kernel.errors import DomainError
from kernel.money import amount_text, parse_amount
from kernel.schools import current_school, today


def refuse(form: forms.Form, error: DomainError) -> None:
    """Show a service's complaint at its field, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class DateInput(forms.DateInput):
    """The browser's own date field; it speaks ISO dates whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DateField(forms.DateField):
    widget = DateInput
    input_formats = ["%Y-%m-%d"]


class AmountField(forms.CharField):
    """An amount in the school's currency, as minor units."""

    def __init__(self, **more: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=30, widget=widget, **more)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text, current_school().currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        return amount_text(value, current_school().currency) if isinstance(value, int) else value


class FeeForm(forms.Form):
    """A fee template."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Parents read it: “Tuition, autumn term”.")
    )
    category = forms.ChoiceField(label=_("Category"))
    amount = AmountField(label=_("Amount for each student"))
    description = forms.CharField(label=_("Note"), max_length=300, required=False)
    due_rule = forms.ChoiceField(
        label=_("Due"), choices=Fee.DueRule.choices, widget=forms.RadioSelect, initial="days"
    )
    due_days = forms.IntegerField(
        label=_("Days after billing"), min_value=0, max_value=365, required=False
    )
    due_date = DateField(label=_("Fixed date"), required=False)
    shares = forms.CharField(
        label=_("Instalments"),
        max_length=60,
        required=False,
        help_text=_(
            "Percents that make up 100: “40, 30, 30”. The first is due as above. Empty: none."
        ),
    )
    months_between = forms.IntegerField(
        label=_("Months between instalments"),
        min_value=1,
        max_value=12,
        initial=1,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_days"].initial = DUE_DAYS.value
        categories = [(str(row.pk), row.name) for row in catalogue.list_categories()]
        self.fields["category"].choices = categories  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """The cleaned data in the words of the service."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "category_id": UUID(data["category"]),
            "amount_minor": data["amount"],
            "description": data["description"],
            "due_rule": data["due_rule"],
            "due_days": data["due_days"],
            "due_date": data["due_date"],
            "shares": data["shares"],
            "months_between": data["months_between"] or 1,
        }


class CategoryAccountForm(forms.Form):
    """Which gateway account a category's money goes to. One that is off is not offered anew."""

    account = forms.TypedChoiceField(
        label=_("Account"), required=False, coerce=UUID, empty_value=None
    )

    def __init__(
        self, *args: Any, accounts: Sequence[AccountInfo], category: FeeCategory, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = f"id_{category.pk}_%s"
        self.fields["account"].initial = str(category.account_id or "")
        offered = [a for a in accounts if a.is_on or a.id == category.account_id]
        self.fields["account"].choices = [  # type: ignore[attr-defined]
            ("", _("The account in use")),
            *((str(account.id), account.label) for account in offered),
        ]


class ActivityCategoryForm(forms.Form):
    """As which category activities count."""

    category = forms.TypedChoiceField(
        label=_("Activities count as"),
        required=False,
        coerce=UUID,
        empty_value=None,
        help_text=_("In reports, and for the account that takes the money."),
    )

    def __init__(self, *args: Any, categories: Sequence[FeeCategory], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = next((str(row.pk) for row in categories if row.for_activities), "")
        self.fields["category"].initial = chosen
        self.fields["category"].choices = [  # type: ignore[attr-defined]
            ("", _("No category")),
            *((str(row.pk), row.name) for row in categories),
        ]


class BillForm(forms.Form):
    """Screen one of a billing run: what, whom, until when."""

    fee = forms.ChoiceField(label=_("Fee"))
    classes = forms.MultipleChoiceField(label=_("Classes"), widget=forms.CheckboxSelectMultiple)
    due_on = DateField(label=_("Due on"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fees = [(str(fee.pk), f"{fee.name} · {fee.category.name}") for fee in catalogue.list_fees()]
        self.fields["fee"].choices = fees  # type: ignore[attr-defined]
        self.fields["classes"].choices = [  # type: ignore[attr-defined]
            (str(info.id), f"{info.name} ({info.student_count})")
            for info in students.list_classes()
        ]


class InvoiceFilter(forms.Form):
    """What the list of invoices can be narrowed by; an unknown status means all."""

    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            ("open", _("Open")),
            ("overdue", _("Overdue")),
            ("paid", _("Paid")),
            ("void", _("Taken back")),
        ],
    )


class RefundForm(forms.Form):
    """How much goes back, why, and what becomes of the invoice."""

    amount = AmountField(label=_("Amount"))
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The family reads it."))
    effect = forms.ChoiceField(label=_("What happens to the invoice"), widget=forms.RadioSelect)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, has_credit: bool, has_invoices: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        effect = RefundDecision.Effect
        wanted = [effect.FROM_CREDIT] if has_credit else []
        wanted += [effect.CREDIT_NOTE, effect.OWE_AGAIN] if has_invoices else []
        self.fields["effect"].choices = [(e.value, e.label) for e in wanted]  # type: ignore[attr-defined]


class PartsForm(forms.Form):
    """From where a refund is taken: one amount for each place that the payment gives to."""

    def __init__(self, *args: Any, parts: Sequence[RefundPart], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts
        for part in parts:
            field = AmountField(label=part.text, required=False, initial=part.amount_minor)
            self.fields[self._name(part)] = field

    @staticmethod
    def _name(part: RefundPart) -> str:
        return f"part-{part.invoice_id or 'credit'}"

    def rows(self) -> list[tuple[RefundPart, Any]]:
        """Each place with its bound field."""
        return [(part, self[self._name(part)]) for part in self.parts]

    def chosen(self) -> dict[UUID | None, int]:
        """Invoice (None: the credit) -> minor units; without what was left empty."""
        data = self.cleaned_data
        chosen = {part.invoice_id: data[self._name(part)] or 0 for part in self.parts}
        return {key: amount for key, amount in chosen.items() if amount}


class ExternalForm(forms.Form):
    """What a refund that was made at the gateway means."""

    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The family reads it."))
    effect = forms.ChoiceField(
        label=_("What happens to the invoice"),
        widget=forms.RadioSelect,
        initial=RefundDecision.Effect.OWE_AGAIN.value,
        choices=[
            (effect.value, effect.label)
            for effect in (RefundDecision.Effect.OWE_AGAIN, RefundDecision.Effect.CREDIT_NOTE)
        ],
    )


class LeaveOutForm(forms.Form):
    """Why a refund that was made at the gateway is not booked."""

    why = forms.CharField(label=_("Why it is not booked"), max_length=200)


class CounterForm(forms.Form):
    """Money received at the school."""

    amount = AmountField(label=_("Amount"))
    method = forms.ChoiceField(
        label=_("How"),
        choices=[("cash", _("Cash")), ("cheque", _("Cheque")), ("transfer", _("Bank transfer"))],
        widget=forms.RadioSelect,
        initial="cash",
    )
    received_on = DateField(label=_("Received on"), initial=today)
    payer = forms.ChoiceField(label=_("Paid by"))
    note = forms.CharField(
        label=_("Note"), max_length=200, required=False, help_text=_("Cheque number, for example.")
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, payers: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].choices = payers  # type: ignore[attr-defined]


class IgnoreForm(forms.Form):
    """Why a bank line is left out."""

    reason = forms.CharField(label=_("Reason"), max_length=300)


class SplitForm(forms.Form):
    """So much for each student: one amount field a student."""

    def __init__(self, *args: Any, students: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What was typed before a search found others is not lost: it is posted again.
        known = dict(students)
        for name in self.data:
            if name.startswith("amount-") and (key := _uuid_of(name)) and key not in known:
                known[key] = _name_of(key)
        for key, label in known.items():
            self.fields[f"amount-{key}"] = forms.CharField(
                label=label, max_length=30, required=False
            )

    @property
    def parts(self) -> dict[UUID, int]:
        found = {}
        for name, value in self.cleaned_data.items():
            if value and (key := _uuid_of(name)):
                found[key] = value
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, value in list(data.items()):
            if value:
                try:
                    data[name] = parse_amount(value, current_school().currency)
                except ValueError as error:
                    self.add_error(name, str(error))
        return data


def _uuid_of(name: str) -> UUID | None:
    try:
        return UUID(name.removeprefix("amount-"))
    except ValueError:
        return None


def _name_of(student_id: UUID) -> str:
    """Raises NotFound for a student whom the school does not know."""
    return students.get_student(student_id).name
