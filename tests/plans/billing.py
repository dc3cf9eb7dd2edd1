"""Last month, billed to a school, and what is done with the invoice."""

from __future__ import annotations

from datetime import date
from typing import Any

from apps.tenants.services.plans import accounts
from apps.tenants.services.plans.invoices import bill_school, record_payment
from apps.tenants.services.plans.months import month_before, this_month, today_in

ZONE = "America/Chicago"
OP = "op@example.org"


# Where the school is, and asked anew each time: a run of the suite may go past its midnight.
def today() -> date:
    return today_in(ZONE)


def running_month() -> date:
    return this_month(ZONE)


def last_month() -> date:
    return month_before(running_month())


def bill(school: Any, **values: Any) -> Any:
    return bill_school(**{"school_id": school.id, "month": last_month(), "actor": OP, **values})


def issued(school: Any) -> accounts.PlatformInvoiceInfo:
    return accounts.get_invoice(invoice_id=bill(school).invoice_id)


def pay(invoice: Any, minor: int, reference: str = "bank 1") -> accounts.PlatformInvoiceInfo:
    return record_payment(
        invoice_id=invoice.id,
        amount_minor=minor,
        received_on=today(),
        reference=reference,
        actor=OP,
    )
