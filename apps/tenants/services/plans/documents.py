"""The platform's invoice as PDF, in the active language, from the same data as the page."""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.tenants.services.plans.accounts import PlatformInvoiceInfo
from kernel.money import format_money
from kernel.pdf import Document, Line, render
from kernel.templatetags import day


def month_name(month: date) -> str:
    """ "November 2026" in the active language."""
    locale = translation.to_locale(translation.get_language() or "en")
    return format_date(month, "LLLL y", locale=locale)


def issuer_lines() -> list[str]:
    """Who sends the invoice, line by line (PLATFORM_ISSUER)."""
    return [line for line in settings.PLATFORM_ISSUER.replace("\\n", "\n").split("\n") if line]


TONES = {"issued": "info", "overdue": "bad", "paid": "ok", "void": "muted", "credit": "muted"}


def status_labels() -> dict[str, str]:
    """The states of an invoice in the reader's language."""
    return {
        "issued": _("Open"),
        "overdue": _("Overdue"),
        "paid": _("Paid"),
        "void": _("Taken back"),
        "credit": _("Credit note"),
    }


def invoice_row(invoice: PlatformInvoiceInfo) -> dict[str, Any]:
    """An invoice as the lists of the portal and the console show it."""
    return {
        "invoice": invoice,
        "tone": TONES[invoice.status],
        "status_label": status_labels()[invoice.status],
    }


def file_name(invoice: PlatformInvoiceInfo) -> str:
    """Of its PDF: "homeroom-h2026-00001.pdf"."""
    return f"homeroom-{slugify(invoice.number)}.pdf"


def invoice_pdf(invoice: PlatformInvoiceInfo) -> bytes:
    """One invoice or credit note with its lines and what was paid."""
    issuer = issuer_lines()
    return render(
        Document(
            title=title_of(invoice),
            issuer=" · ".join(issuer),
            facts=_facts(invoice),
            columns=(_("What for"), _("Amount")),
            lines=[
                Line(text=line.text, detail=line.why, amount=_money(invoice, line.amount_minor))
                for line in invoice.lines
            ],
            totals=_totals(invoice),
            notes=_notes(invoice),
            language=translation.get_language() or "en",
        )
    )


def title_of(invoice: PlatformInvoiceInfo) -> str:
    """What stands at its head: "Invoice H2026-00001"."""
    if invoice.is_credit:
        return _("Credit note %(number)s") % {"number": invoice.number}
    return _("Invoice %(number)s") % {"number": invoice.number}


def _facts(invoice: PlatformInvoiceInfo) -> list[tuple[str, str]]:
    facts = [
        (_("To"), invoice.school_name),
        *[("", line) for line in invoice.billed_to.split("\n") if line],
        (_("For"), month_name(invoice.month)),
        (_("Issued on"), day(invoice.issued_on, "long")),
    ]
    if invoice.is_credit:
        facts.append((_("Takes back"), invoice.credits_number))
        return facts
    return [*facts, (_("Due on"), day(invoice.due_on, "long"))]


def _totals(invoice: PlatformInvoiceInfo) -> list[Line]:
    totals = [Line(text=_("Total"), amount=_money(invoice, invoice.total_minor), strong=True)]
    if invoice.paid_minor:
        totals.append(Line(text=_("Paid"), amount=_money(invoice, -invoice.paid_minor)))
        left = _money(invoice, invoice.balance_minor)
        totals.append(Line(text=_("Left to pay"), amount=left, strong=True))
    return totals


def _notes(invoice: PlatformInvoiceInfo) -> list[str]:
    if invoice.credit_number:
        text = _("This invoice was taken back by credit note %(number)s. Nothing is owed for it.")
        return [text % {"number": invoice.credit_number}]
    if invoice.is_credit:
        return [invoice.reason]
    return [_("Please give the number of the invoice when you pay.")]


def _money(invoice: PlatformInvoiceInfo, minor: int) -> str:
    return format_money(minor, invoice.currency)
