"""The settings of the school itself: who it is and how it looks."""

from __future__ import annotations

from django.conf import settings as installation
from django.utils.translation import gettext_lazy as _

from apps.tenants.choices import currency_choices, time_zone_choices
from apps.tenants.models import DEFAULT_COLOUR
from apps.tenants.services import checks
from apps.tenants.services.features import declare_feature
from apps.tenants.services.kinds import Choice, Colour, Logo, Text
from apps.tenants.services.rules import Setting, declare

NAME = declare(
    Setting(
        name="name",
        group="general",
        column="name",
        kind=Text(checks.MAX_NAME, check=checks.check_name),
        default="",
        required=True,
        label=_("Name of the school"),
    )
)
TAGLINE = declare(
    Setting(
        name="tagline",
        group="general",
        column="tagline",
        kind=Text(
            checks.MAX_TAGLINE,
            check=lambda text: checks.check_line(text, field="tagline", longest=checks.MAX_TAGLINE),
        ),
        default="",
        label=_("Tagline"),
        help_text=_("One line under the name on the school's website."),
    )
)
LANGUAGE = declare(
    Setting(
        name="language",
        group="general",
        column="language",
        kind=Choice(lambda: installation.LANGUAGES, check=checks.check_language),
        default="en",
        required=True,
        label=_("Language"),
        help_text=_("For pages, e-mails and receipts."),
    )
)
TIME_ZONE = declare(
    Setting(
        name="time_zone",
        group="general",
        column="time_zone",
        kind=Choice(time_zone_choices, check=checks.check_time_zone),
        default="UTC",
        required=True,
        label=_("Time zone"),
        help_text=_("Decides when a due date ends and how times are shown."),
    )
)
CURRENCY = declare(
    Setting(
        name="currency",
        group="general",
        column="currency",
        kind=Choice(currency_choices, check=checks.check_currency),
        default="USD",
        required=True,
        label=_("Currency"),
        help_text=_("Can be changed as long as there are no fees, bills or payments."),
    )
)
CONTACT_EMAIL = declare(
    Setting(
        name="contact_email",
        group="general",
        column="contact_email",
        kind=Text(
            checks.MAX_EMAIL,
            check=lambda text: checks.check_email(text, field="contact_email", required=False),
            widget="email",
        ),
        default="",
        label=_("E-mail address"),
        help_text=_("Shown on the website; families' answers to e-mails go there."),
    )
)
CONTACT_PHONE = declare(
    Setting(
        name="contact_phone",
        group="general",
        column="contact_phone",
        kind=Text(checks.MAX_PHONE, check=checks.check_phone, widget="tel"),
        default="",
        label=_("Phone"),
    )
)
ADDRESS = declare(
    Setting(
        name="address",
        group="general",
        column="address",
        kind=Text(checks.MAX_ADDRESS, lines=6, check=checks.check_address),
        default="",
        label=_("Address"),
    )
)
COLOUR = declare(
    Setting(
        name="colour",
        group="branding",
        column="colour",
        kind=Colour(checks.check_colour),
        default=DEFAULT_COLOUR,
        required=True,
        label=_("Colour"),
        help_text=_("For buttons and headings, with white text on it: choose a dark one."),
    )
)
SECOND_COLOUR = declare(
    Setting(
        name="branding.second_colour",
        group="branding",
        kind=Colour(checks.check_second_colour),
        default="",
        label=_("Second colour"),
        help_text=_(
            "For the line under the name of the school, on pages, in e-mails and on receipts. "
            "Empty: no line."
        ),
    )
)
LOGO = declare(
    Setting(
        name="branding.logo",
        group="branding",
        kind=Logo(),
        default={},
        label=_("Logo"),
        by_itself=True,
    )
)
LOGO_ALT = declare(
    Setting(
        name="branding.logo_alt",
        group="branding",
        kind=Text(160),
        default="",
        label=_("What the logo shows"),
        help_text=_("Read out to people who do not see it. Empty: the name of the school."),
    )
)
API_ACCESS = declare_feature(
    name="api",
    label=_("Access for other programs (API)"),
    help_text=_("Off: every request to the API is refused, whatever its token."),
    covers=(),  # by its address: config/gateway/features.py
)
