"""What a school can set about signing in."""

from django.utils.translation import gettext_lazy as _

from apps.tenants.facade import Setting, declare, kinds

WELCOME = declare(
    Setting(
        name="texts.welcome",
        group="texts",
        kind=kinds.Text(400, lines=6),
        default="",
        label=_("Welcome on the sign-in page"),
        help_text=_("A few words to families and staff, above the form."),
    )
)
