"""What other apps and the gateway may ask of fees. Amounts are minor units."""

from datetime import date
from uuid import UUID

from apps.fees.contracts import FamilyBalance, InvoiceInfo, MoneyTotals, ReceiptInfo
from apps.fees.selectors import catalogue, family, invoices, receipts, runs, totals
from apps.fees.services import links

__all__ = [
    "billing_runs_posted",
    "family_balance",
    "family_link_url",
    "get_invoices",
    "has_fees",
    "money_totals",
    "open_invoices_due",
    "receipt",
    "receipt_url",
]


def family_balance(guardian_id: UUID) -> FamilyBalance:
    """What a guardian owes for all their children. Raises NotFound."""
    return family.family_balance(guardian_id=guardian_id)


def family_link_url(guardian_id: UUID) -> str:
    """An absolute, signed, expiring and revocable link to the family's page."""
    return links.family_link_url(guardian_id=guardian_id)


def receipt_url(payment_id: UUID, guardian_id: UUID) -> str:
    """An absolute link that opens this receipt for its payer without a login."""
    return links.receipt_url(payment_id=payment_id, guardian_id=guardian_id)


def receipt(payment_id: UUID) -> ReceiptInfo:
    """The receipt of a payment. Raises NotFound until the payment has been allocated."""
    return receipts.get_receipt(payment_id=payment_id)


def get_invoices(invoice_ids: list[UUID]) -> list[InvoiceInfo]:
    """These invoices with their lines, oldest due first; unknown ids are left out."""
    return invoices.get_invoices(invoice_ids=invoice_ids)


def open_invoices_due(days: list[date]) -> list[InvoiceInfo]:
    """Invoices that are due on one of these days and not paid in full."""
    return invoices.open_invoices_due(days=days)


def money_totals() -> MoneyTotals:
    """Owed, overdue, collected this month: the dashboard's numbers."""
    return totals.money_totals()


def has_fees() -> bool:
    return catalogue.has_fees()


def billing_runs_posted() -> int:
    return runs.runs_posted()
