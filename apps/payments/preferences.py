"""What a school can set about payments."""

from django.utils.translation import gettext_lazy as _

from apps.payments.permissions import MANAGE_ACCOUNTS
from apps.tenants.facade import Setting, declare, declare_feature, kinds

ONLINE_PAYMENTS = declare_feature(
    name="online_payments",
    label=_("Payments online"),
    help_text=_(
        "Families pay by card. Off: nobody can start a payment; those already begun are still "
        "booked, and cash and transfers work as ever."
    ),
    covers=("apps.payments.portal.account_views",),
)

FRAUD_CHECKS = declare(
    Setting(
        name="payments.fraud_checks",
        group="payments",
        kind=kinds.Switch(),
        default=True,
        label=_("Pause payments after odd attempts"),
        help_text=_("Who is paused is told to try later; staff see why under “Blocked”."),
    )
)
FAMILY_ATTEMPTS = declare(
    Setting(
        name="payments.family_attempts",
        group="payments",
        kind=kinds.Whole(3, 100),
        default=12,
        required=True,
        label=_("Payments begun by a family within an hour"),
        help_text=_("More than this many are odd."),
    )
)
FAMILY_DECLINES = declare(
    Setting(
        name="payments.family_declines",
        group="payments",
        kind=kinds.Whole(3, 100),
        default=6,
        required=True,
        label=_("Declined cards of a family within an hour"),
        help_text=_("As many as this are odd."),
    )
)
ADDRESS_DECLINES = declare(
    Setting(
        name="payments.address_declines",
        group="payments",
        kind=kinds.Whole(3, 200),
        default=10,
        required=True,
        label=_("Declined cards from one network address within an hour"),
        help_text=_("As many as this, of at least three payers, look like stolen cards tried out."),
    )
)
PAUSE_MINUTES = declare(
    Setting(
        name="payments.pause_minutes",
        group="payments",
        kind=kinds.Whole(5, 1440, unit=_("minutes")),
        default=60,
        required=True,
        label=_("Length of the pause"),
    )
)
REFUND_LIMIT = declare(
    Setting(
        name="payments.refund_limit_minor",
        group="payments",
        kind=kinds.Amount(),
        default=0,
        permission=MANAGE_ACCOUNTS,
        label=_("Refunds by one person up to"),
        help_text=_(
            "Above this, counting all refunds of a payment together, a second person must approve "
            "before money moves. Empty: one person is enough."
        ),
    )
)
