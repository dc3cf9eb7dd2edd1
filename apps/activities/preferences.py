"""What a school can set about activities."""

from django.utils.translation import gettext_lazy as _

from apps.tenants.facade import declare_feature

ACTIVITIES = declare_feature(
    name="activities",
    label=_("Activities and calendar"),
    help_text=_("Clubs, trips and dates that families sign up for, and the public calendar."),
    covers=("apps.activities", "apps.website.public.calendar"),
)
