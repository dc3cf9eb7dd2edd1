"""What a family's pages say of the processing cost, and what they send."""

from __future__ import annotations

import re
from typing import Any

from apps.fees.models import Allocation, Cover, Credit
from apps.payments import facade as payments
from apps.payments.models import Payment
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from tests.paying.cards import press

CARD = {"cover_card_bps": 290, "cover_card_fixed_minor": 30}


def change(**values: Any) -> None:
    tenants.change_settings(school_id=1, values={f"fees.{k}": v for k, v in values.items()})
    reopen()


def body_of(answer: Any) -> str:
    return str(answer.content.decode())


def hidden(answer: Any, *, tick: bool = False) -> dict[str, list[str]]:
    """What the form with the sums sends."""
    form = body_of(answer).split('class="stack sums')[1].split("</form>")[0]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    fields.pop("csrfmiddlewaretoken", None)
    return fields | ({"cover": ["1"]} if tick else {})


def wanted(page: Any, **more: Any) -> dict[str, Any]:
    """What the Pay button of this page sends."""
    offer = page.context["offer"]
    sent = {"token": page.context["token"], "choose": "1"}
    sent["invoices"] = [str(invoice.id) for invoice in offer.invoices]
    return sent | more


def money(answer: Any) -> list[str]:
    """The sums of the page, in their order; without those that a tick would show."""
    facts = body_of(answer).split('class="facts facts-money"')[1].split("</dl>")[0]
    return re.findall(r"\$[0-9.,]+", facts)


def pay_on_page(parent: Any, answer: Any) -> Payment:
    press(answer["Location"])
    row = Payment.objects.get(hosted_url=answer["Location"])
    payments.sync(row.pk)
    row.refresh_from_db()
    return row


def booked(payment: Payment) -> tuple[int, int, int]:
    return tuple(  # type: ignore[return-value]
        sum(model.objects.filter(payment_id=payment.pk).values_list("amount_minor", flat=True))
        for model in (Allocation, Credit, Cover)
    )
