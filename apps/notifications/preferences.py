"""What a school can set about its e-mails."""

from django.utils.translation import gettext_lazy as _

from apps.fees.permissions import MANAGE_FEES
from apps.tenants.facade import Setting, declare, kinds

SIGNATURE = declare(
    Setting(
        name="texts.email_signature",
        group="texts",
        kind=kinds.Text(400, lines=6),
        default="",
        label=_("Signature of e-mails"),
        help_text=_("At the end of every e-mail, before the name of the school."),
    )
)
REMINDERS_ON = declare(
    Setting(
        name="reminders.on",
        group="reminders",
        kind=kinds.Switch(),
        default=False,
        permission=MANAGE_FEES,
        label=_("Remind families of open invoices"),
        help_text=_("One e-mail a day at most for each guardian, over all their children."),
    )
)
DAYS_BEFORE = declare(
    Setting(
        name="reminders.days_before",
        group="reminders",
        kind=kinds.Numbers(0, 60, at_most=5),
        default=(3,),
        permission=MANAGE_FEES,
        label=_("Days before the due date"),
        help_text=_("Numbers with commas: “7, 1” writes a week and a day before. Empty: never."),
    )
)
DAYS_AFTER = declare(
    Setting(
        name="reminders.days_after",
        group="reminders",
        kind=kinds.Numbers(1, 365, at_most=10, rising=True),
        default=(3, 14),
        permission=MANAGE_FEES,
        label=_("Days after the due date"),
        help_text=_("While the invoice is not paid. Empty: never."),
    )
)
QUIET_FROM = declare(
    Setting(
        name="reminders.quiet_from",
        group="reminders",
        kind=kinds.Clock(),
        default="20:00",
        required=True,
        permission=MANAGE_FEES,
        label=_("Quiet from"),
        help_text=_("No reminder leaves between these two, in the school's own time."),
    )
)
QUIET_UNTIL = declare(
    Setting(
        name="reminders.quiet_until",
        group="reminders",
        kind=kinds.Clock(),
        default="08:00",
        required=True,
        permission=MANAGE_FEES,
        label=_("Quiet until"),
        help_text=_("The same time twice: no quiet hours."),
    )
)
KEEP_TEXTS_DAYS = declare(
    Setting(
        name="privacy.keep_texts_days",
        group="privacy",
        kind=kinds.Whole(30, 3650, unit=_("days")),
        default=400,
        required=True,
        label=_("Keep the texts of e-mails"),
        help_text=_("Afterwards the list still says what was sent to whom, and no longer what."),
    )
)
