"""Last month, billed to a school, and what is done with the invoice."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.tenants.services.plans import accounts
from apps.tenants.services.plans.invoices import bill_school, record_payment
from apps.tenants.services.plans.months import month_before, this_month

LAST = month_before(this_month("America/Chicago"))
TODAY = timezone.now().date()
OP = "op@example.org"


def bill(school: Any, **values: Any) -> Any:
    return bill_school(**{"school_id": school.id, "month": LAST, "actor": OP, **values})


def issued(school: Any) -> accounts.PlatformInvoiceInfo:
    return accounts.get_invoice(invoice_id=bill(school).invoice_id)


def pay(invoice: Any, minor: int, reference: str = "bank 1") -> accounts.PlatformInvoiceInfo:
    return record_payment(
        invoice_id=invoice.id,
        amount_minor=minor,
        received_on=TODAY,
        reference=reference,
        actor=OP,
    )
