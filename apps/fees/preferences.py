"""What a school can set about bills and how families pay them.

The bursar may change the rules of money (fees.manage_fees); what is booked already keeps what
held on its day.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.fees.permissions import MANAGE_FEES
from apps.tenants.facade import Setting, declare, declare_feature, kinds
from kernel.errors import Invalid
from kernel.schools import today

MAX_PREFIX = 6
_PREFIX = re.compile(r"[A-Z]([A-Z-]*[A-Z])?")


def _check_prefix(text: str) -> str:
    """Letters and hyphens: a digit could make two numbers look alike."""
    cleaned = text.strip().upper()
    if cleaned and (len(cleaned) > MAX_PREFIX or not _PREFIX.fullmatch(cleaned)):
        message = _now("Use up to %(longest)s letters from A to Z, with hyphens between them.")
        raise Invalid(message % {"longest": MAX_PREFIX}, field="fees.invoice_prefix")
    return cleaned


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
