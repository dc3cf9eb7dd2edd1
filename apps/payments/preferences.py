"""What a school can set about payments."""

from django.utils.translation import gettext_lazy as _

from apps.tenants.facade import declare_feature

ONLINE_PAYMENTS = declare_feature(
    name="online_payments",
    label=_("Payments online"),
    help_text=_(
        "Families pay by card. Off: nobody can start a payment; those already begun are still "
        "booked, and cash and transfers work as ever."
    ),
    covers=("apps.payments.portal.account_views",),
)
