"""Invoices and receipts as PDF, in the active language, from the same data as the pages."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo, ReceiptInfo, ReceiptLine
from apps.fees.preferences import INVOICE_FOOTER, RECEIPT_FOOTER
from apps.tenants import facade as tenants
from kernel.money import format_money
from kernel.pdf import Document, Line, render
from kernel.schools import current_school
from kernel.templatetags import day


def method_name(method: str) -> str:
    """How it was paid, for people."""
    names = {
        "card": _("Card"),
        "paypal": "PayPal",
        "cash": _("Cash"),
        "cheque": _("Cheque"),
        "transfer": _("Bank transfer"),
    }
    return names.get(method, method.replace("_", " ").capitalize())


def invoice_pdf(invoice: InvoiceInfo) -> bytes:
    """One invoice with its lines, what was paid and what is left."""
    money = _writer(invoice.currency)
    totals = [Line(text=_("Charged"), amount=money(invoice.charged_minor))]
    if invoice.paid_minor:
        totals.append(Line(text=_("Paid"), amount=money(-invoice.paid_minor)))
    left = Line(text=_("Left to pay"), amount=money(invoice.balance_minor), strong=True)
    return render(
        Document(
            title=_("Invoice %(number)s") % {"number": invoice.number},
            issuer=current_school().name,
            facts=[
                (_("Student"), _student(invoice)),
                (_("For"), invoice.title),
                (_("Issued on"), day(invoice.issued_on, "long")),
                (_("Due on"), day(invoice.due_on, "long")),
            ],
            columns=(_("What for"), _("Amount")),
            lines=[
                Line(text=line.description, detail=line.why, amount=money(line.amount_minor))
                for line in invoice.lines
            ],
            totals=[*totals, left],
            notes=[*_void_note(invoice), *_own_words(INVOICE_FOOTER.value)],
            **_look(),
            language=get_language() or "en",
        )
    )


def _student(invoice: InvoiceInfo) -> str:
    class_name = f" ({invoice.class_name})" if invoice.class_name else ""
    return f"{invoice.student_name}{class_name}"


def _void_note(invoice: InvoiceInfo) -> list[str]:
    if invoice.status != "void":
        return []
    return [_("This invoice was taken back by the school. Nothing is owed for it.")]


def receipt_pdf(receipt: ReceiptInfo) -> bytes:
    """The receipt of one payment, with what has been refunded since."""
    money = _writer(receipt.currency)
    totals = [Line(text=_("Paid"), amount=money(receipt.amount_minor), strong=True)]
    totals += [
        Line(text=_why_gone(row), amount=money(-row.amount_minor)) for row in receipt.refunds
    ]
    if receipt.refunds:
        kept = receipt.amount_minor - receipt.refunded_minor
        text = _("Left of this payment") if receipt.reversed_minor else _("Paid after refunds")
        totals.append(Line(text=text, amount=money(kept), strong=True))
    return render(
        Document(
            title=_("Receipt %(number)s") % {"number": receipt.number},
            issuer=current_school().name,
            facts=[
                (_("Paid by"), receipt.payer_name),
                (_("Paid on"), day(receipt.paid_at, "long")),
                (_("How"), method_name(receipt.method)),
                (_("Currency"), receipt.currency),
            ],
            columns=(_("What for"), _("Amount")),
            lines=[
                Line(text=row.text, detail=row.student_name, amount=money(row.amount_minor))
                for row in receipt.lines
            ],
            totals=totals,
            notes=[
                _thanks(receipt),
                *_own_words(RECEIPT_FOOTER.value),
            ],
            **_look(),
            language=get_language() or "en",
        )
    )


def _why_gone(row: ReceiptLine) -> str:
    text = _("Reversed: %(why)s") if row.reversed else _("Refunded: %(why)s")
    return text % {"why": row.text}


def _thanks(receipt: ReceiptInfo) -> str:
    if receipt.is_void:
        return _("This payment was reversed: this receipt is no proof of payment.")
    return _("Thank you. Keep this receipt for your records.")


def _own_words(text: str) -> list[str]:
    """The school's own lines under the document."""
    return text.split("\n") if text else []


def _look() -> dict[str, Any]:
    branding = tenants.branding_of(current_school())
    return {"logo": tenants.logo_for_print(), "line_colour": branding.second_colour}


def _writer(currency: str) -> Callable[[int], str]:
    return lambda minor: format_money(minor, currency)
