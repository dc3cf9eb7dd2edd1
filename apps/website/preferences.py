"""What a school can set about its public site."""

from django.utils.translation import gettext_lazy as _

from apps.tenants.facade import declare_feature

WEBSITE = declare_feature(
    name="website",
    label=_("Website and news"),
    help_text=_("Public pages, news, documents, staff. Off: the address opens the sign-in page."),
    covers=("apps.website",),
)
