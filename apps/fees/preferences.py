"""What a school can set about bills and how families pay them.

The bursar may change the rules of money (fees.manage_fees); what is booked already keeps what
held on its day.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.fees.permissions import MANAGE_FEES
from apps.tenants.facade import Setting, declare, declare_feature, kinds
from kernel.errors import Invalid
from kernel.money import exponent
from kernel.schools import current_school, today

MAX_PREFIX = 6
COVER_OFF, COVER_OFFERED, COVER_ALWAYS = "off", "offered", "always"
COVER_MODES = {
    COVER_OFF: _("The school bears it"),
    COVER_OFFERED: _("Families may tick a box to cover it"),
    COVER_ALWAYS: _("It is added to every payment online"),
}
MAX_COVER = 500  # basis points
# Where one unit of the currency is little money, five may be the fixed part of a fee.
_SMALL_UNITS = ("DKK", "MXN", "NOK", "PLN", "SEK", "ZAR")
_PREFIX = re.compile(r"[A-Z]([A-Z-]*[A-Z])?")


def _check_prefix(text: str) -> str:
    """Letters and hyphens: a digit could make two numbers look alike."""
    cleaned = text.strip().upper()
    if cleaned and (len(cleaned) > MAX_PREFIX or not _PREFIX.fullmatch(cleaned)):
        message = gettext("Use up to %(longest)s letters from A to Z, with hyphens between them.")
        raise Invalid(message % {"longest": MAX_PREFIX}, field="fees.invoice_prefix")
    return cleaned


def _check_cover(mode: str) -> str:
    if mode not in COVER_MODES:
        raise Invalid(gettext("Choose who bears the processing cost."), field="fees.cover")
    return mode


def max_fixed_cover() -> int:
    """The most that may be added to a payment beside the percentage, in minor units: one unit of
    the school's currency, five of a small one, 100 of one without decimals."""
    currency = current_school().currency
    return 10 ** (exponent(currency) or 2) * (5 if currency in _SMALL_UNITS else 1)


DUE_DAYS = declare(
    Setting(
        name="fees.due_days",
        group="fees",
        kind=kinds.Whole(0, 365, unit=_("days")),
        default=14,
        required=True,
        permission=MANAGE_FEES,
        label=_("Days to pay"),
        help_text=_(
            "Proposed for a new fee, and used for activities: an invoice is due this many days "
            "after billing."
        ),
    )
)
GRACE_DAYS = declare(
    Setting(
        name="fees.grace_days",
        group="fees",
        kind=kinds.Whole(0, 60, unit=_("days")),
        default=0,
        required=True,
        permission=MANAGE_FEES,
        label=_("Days of grace"),
        help_text=_("An unpaid invoice counts as overdue only when these have passed as well."),
    )
)
INVOICE_PREFIX = declare(
    Setting(
        name="fees.invoice_prefix",
        group="fees",
        kind=kinds.Text(MAX_PREFIX, check=_check_prefix),
        default="",
        permission=MANAGE_FEES,
        label=_("Letters before invoice numbers"),
        help_text=_("“LIN” makes new invoices LIN-2026-00042. Counting goes on as it is."),
    )
)
PART_PAYMENTS = declare(
    Setting(
        name="fees.part_payments",
        group="fees",
        kind=kinds.Switch(),
        default=True,
        permission=MANAGE_FEES,
        label=_("Families may pay a part of what they chose"),
        help_text=_("Off: the invoices that a family chooses are paid in full."),
    )
)
SMALLEST_PART = declare(
    Setting(
        name="fees.smallest_part_minor",
        group="fees",
        kind=kinds.Amount(),
        default=0,
        permission=MANAGE_FEES,
        label=_("Smallest part"),
        help_text=_("A part payment must be at least this much, or all of it. Empty: any amount."),
    )
)
USE_CREDIT = declare(
    Setting(
        name="fees.use_credit",
        group="fees",
        kind=kinds.Switch(),
        default=True,
        permission=MANAGE_FEES,
        label=_("Families may pay with their credit"),
        help_text=_("Off: credit stays until the office refunds it."),
    )
)
PREPAYMENTS = declare(
    Setting(
        name="fees.prepayments",
        group="fees",
        kind=kinds.Switch(),
        default=False,
        permission=MANAGE_FEES,
        label=_("Families may pay in advance"),
        help_text=_("More than they owe, or before anything is owed: it stays as their credit."),
    )
)
AUTOPAY = declare(
    Setting(
        name="fees.autopay",
        group="fees",
        kind=kinds.Switch(),
        default=True,
        permission=MANAGE_FEES,
        label=_("Families may have their card charged automatically"),
        help_text=_(
            "Guardians turn it on themselves, and hear of each charge before it is made. Off: no "
            "card is charged automatically, and nobody can turn it on."
        ),
    )
)
COVER_MODE = declare(
    Setting(
        name="fees.cover",
        group="fees",
        kind=kinds.Choice(lambda: list(COVER_MODES.items()), check=_check_cover),
        default=COVER_OFF,
        required=True,
        permission=MANAGE_FEES,
        label=_("What it costs to process payments online"),
        help_text=_(
            "The payment provider’s fee can be passed on to whoever pays online. In some places "
            "the law or the rules of cards forbid that (in the EU for consumers’ cards, for "
            "example), and it must never be more than what a payment costs you: ask first. Payers "
            "see it before they pay. Cash, cheques and transfers never cost more, and automatic "
            "payment only where the guardian has agreed to that."
        ),
    )
)
COVER_CARD_RATE = declare(
    Setting(
        name="fees.cover_card_bps",
        group="fees",
        kind=kinds.Percent(MAX_COVER),
        default=0,
        permission=MANAGE_FEES,
        label=_("A payment by card costs"),
        help_text=_("What your provider keeps of the whole sum. 5 % at most."),
    )
)
COVER_CARD_FIXED = declare(
    Setting(
        name="fees.cover_card_fixed_minor",
        group="fees",
        kind=kinds.Amount(most=max_fixed_cover),
        default=0,
        permission=MANAGE_FEES,
        label=_("and for each payment by card"),
        help_text=_("What it keeps of every payment beside that. Empty: nothing."),
    )
)
COVER_PAYPAL_RATE = declare(
    Setting(
        name="fees.cover_paypal_bps",
        group="fees",
        kind=kinds.Percent(MAX_COVER),
        default=0,
        permission=MANAGE_FEES,
        label=_("A payment by PayPal costs"),
        help_text=_("What PayPal keeps of the whole sum. 5 % at most."),
    )
)
COVER_PAYPAL_FIXED = declare(
    Setting(
        name="fees.cover_paypal_fixed_minor",
        group="fees",
        kind=kinds.Amount(most=max_fixed_cover),
        default=0,
        permission=MANAGE_FEES,
        label=_("and for each payment by PayPal"),
        help_text=_("What PayPal keeps of every payment beside that. Empty: nothing."),
    )
)
INVOICE_FOOTER = declare(
    Setting(
        name="texts.invoice_footer",
        group="texts",
        kind=kinds.Text(500, lines=6),
        default="",
        label=_("Under every invoice"),
        help_text=_("For example your bank account, or whom to ask."),
    )
)
RECEIPT_FOOTER = declare(
    Setting(
        name="texts.receipt_footer",
        group="texts",
        kind=kinds.Text(500, lines=6),
        default="",
        label=_("Under every receipt"),
        help_text=_("For example your tax number."),
    )
)
FAMILY_LINK = declare_feature(
    name="family_link",
    label=_("Family link"),
    help_text=_(
        "The link in e-mails opens a family's page without a password. Off: links open nothing "
        "and are no longer sent; guardians sign in."
    ),
    covers=("apps.fees.family.views.open_link", "apps.fees.family.views.fresh_link"),
)


def overdue_before() -> date:
    """What was due before this day, and is not paid, is overdue."""
    return today() - timedelta(days=GRACE_DAYS.value)
