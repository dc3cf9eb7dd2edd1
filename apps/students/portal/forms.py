"""Forms of the students pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.students.contracts import ClassInfo
from apps.students.models import Guardianship
from apps.students.services.guardians import GuardianDetails
from apps.students.services.students import StudentDetails
from kernel.errors import DomainError


def refuse(form: forms.Form, error: DomainError) -> None:
    """Show a service's complaint at its field, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class DateInput(forms.DateInput):
    """The browser's own date field; it speaks ISO dates whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class StudentForm(forms.Form):
    """A student's details and class."""

    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Last name"), max_length=80)
    number = forms.CharField(
        label=_("Student number"), max_length=32, help_text=_("Unique in the school.")
    )
    date_of_birth = forms.DateField(
        label=_("Date of birth"), required=False, widget=DateInput(), input_formats=["%Y-%m-%d"]
    )
    class_id = forms.TypedChoiceField(label=_("Class"), empty_value=None)

    def __init__(self, *args: Any, classes: list[ClassInfo], enrolled: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        blank = _("Choose a class") if enrolled else _("Not in a class")
        field = self.fields["class_id"]
        field.choices = [("", blank), *((str(c.id), c.name) for c in classes)]  # type: ignore[attr-defined]
        field.required = enrolled

    def details(self) -> StudentDetails:
        data = self.cleaned_data
        return StudentDetails(
            number=data["number"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            date_of_birth=data["date_of_birth"],
        )


class NewStudentForm(StudentForm):
    """A new student with, perhaps, the first guardian."""

    guardian_name = forms.CharField(label=_("Name"), max_length=120, required=False)
    guardian_email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_("If the school knows this e-mail already, the child joins that family."),
    )
    guardian_phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    guardian_relationship = forms.ChoiceField(
        label=_("Relationship"),
        choices=Guardianship.Relationship.choices,
        initial=Guardianship.Relationship.PARENT,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        has_more = data.get("guardian_email") or data.get("guardian_phone")
        if has_more and not data.get("guardian_name"):
            self.add_error("guardian_name", _("Please give the guardian's name."))
        return data

    def guardian(self) -> GuardianDetails | None:
        data = self.cleaned_data
        if not data["guardian_name"]:
            return None
        return GuardianDetails(
            name=data["guardian_name"],
            email=data["guardian_email"],
            phone=data["guardian_phone"],
            relationship=data["guardian_relationship"],
        )


class GuardianForm(forms.Form):
    """A guardian's own details."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_("Invoices and receipts go here."),
    )
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, help_text=_("Messages are written in this language.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("The school's language")), *settings.LANGUAGES]
        self.fields["language"].choices = choices  # type: ignore[attr-defined]

    def details(self) -> GuardianDetails:
        return GuardianDetails(**self.cleaned_data)


class GuardianshipForm(forms.Form):
    """How a guardian is tied to one child."""

    relationship = forms.ChoiceField(
        label=_("Relationship"), choices=Guardianship.Relationship.choices
    )
    pays = forms.BooleanField(
        label=_("Pays the fees"),
        required=False,
        initial=True,
        help_text=_("Invoices for this child go to the guardians who pay."),
    )
    first = forms.BooleanField(label=_("First contact"), required=False)


class NewGuardianForm(GuardianForm):
    """A guardian for a child: a known one is found by the e-mail."""

    field_order = ("name", "email", "phone", "language", "relationship", "pays")

    relationship = forms.ChoiceField(
        label=_("Relationship"),
        choices=Guardianship.Relationship.choices,
        initial=Guardianship.Relationship.PARENT,
    )
    pays = forms.BooleanField(label=_("Pays the fees"), required=False, initial=True)


class ClassForm(forms.Form):
    """A class of the current school year."""

    name = forms.CharField(label=_("Name"), max_length=40)


class UploadForm(forms.Form):
    """A families file. Size, encoding and content are the service's to judge."""

    file = forms.FileField(
        label=_("Families file (CSV)"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
    )


class ErasePersonForm(forms.Form):
    """The name typed again, and why: a click alone erases nobody."""

    name = forms.CharField(label=_("Name"), max_length=200)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Kept with the record of the erasure: please no names here."),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = name
        self.fields["name"].help_text = _("Type %(name)s to confirm.") % {"name": name}
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        typed = " ".join(self.cleaned_data["name"].split())
        if typed != " ".join(self.wanted.split()):
            raise forms.ValidationError(_("This is not the name of the person."))
        return typed
