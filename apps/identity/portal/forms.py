"""Forms of the account and people pages. The services check the rules; forms clean and explain."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import (
    MinimumLengthValidator,
    get_default_password_validators,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.identity import roles as role_book
from apps.identity.models import Role

MAX_PASSWORD = 256  # hashing takes longer with every byte


def email_field(**options: Any) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "username", "inputmode": "email"})
    return forms.EmailField(label=gettext_lazy("E-mail"), max_length=254, widget=widget, **options)


def password_field(label: Any, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label, max_length=MAX_PASSWORD, strip=False, widget=widget, **options
    )


class SignInForm(forms.Form):
    # Whatever is typed here is tried: a malformed address is simply not an account.
    email = forms.CharField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "inputmode": "email", "autofocus": True}
        ),
    )
    password = password_field(gettext_lazy("Password"), "current-password")


class ForgottenForm(forms.Form):
    email = email_field()


def password_hint() -> str:
    """The rules of AUTH_PASSWORD_VALIDATORS in one sentence instead of four."""
    validators = get_default_password_validators()
    lengths = [v.min_length for v in validators if isinstance(v, MinimumLengthValidator)]
    hint = _(
        "At least %(length)d characters, not only digits, and nothing easy to guess such as your "
        "name. Three or four words in a row are good."
    )
    return hint % {"length": max(lengths, default=1)}


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = password_field(gettext_lazy("New password"), "new-password")
    again = password_field(gettext_lazy("New password again"), "new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = password_hint()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, second = values.get("password"), values.get("again")
        if first and second and first != second:
            self.add_error("again", _("The two passwords are not the same."))
        return values


class ChangePasswordForm(NewPasswordForm):
    current = password_field(gettext_lazy("Current password"), "current-password")
    field_order = ["current", "password", "again"]


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        help_text=gettext_lazy("The language of these pages for you."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("The school’s language")), *settings.LANGUAGES]
        self.fields["language"].choices = choices  # type: ignore[attr-defined]


ROLE_HINTS = {
    role_book.ADMIN: gettext_lazy("Everything, including people and settings"),
    role_book.BURSAR: gettext_lazy("Fees, payments, refunds and families"),
    role_book.OFFICE: gettext_lazy("Families, activities, news and pages"),
    role_book.TEACHER: gettext_lazy("Sees students, classes and activities"),
    role_book.GUARDIAN: gettext_lazy("Sees and pays for their own children"),
}


def role_choices() -> list[tuple[str, str]]:
    return [(role, f"{Role(role).label}: {ROLE_HINTS[role]}") for role in role_book.SCHOOL_ROLES]


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=role_choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one role.")},
    )


class InviteForm(RolesForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=150)
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        help_text=gettext_lazy("The invitation goes here; it is also the name to sign in with."),
    )
    field_order = ["name", "email", "roles"]
