"""What the busy paths cost in statements: the Pay button, a message, the booking. They grow with
nothing but the number of invoices that are paid."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.events import facade as events
from apps.fees.services import checkout
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models, tasks
from apps.payments.tests.conftest import Sandbox, deliver
from apps.payments.tests.conftest import sandbox as sandbox

# Measured, with room for a few more; a loop over rows would need many. Booking is told to all who
# hear of it: receipt, letter and notice included.
START, START_EACH = 40, 1
RECEIVE, WORK, BOOK = 12, 24, 98


def pay_all(family: make.Family) -> Any:
    wish = checkout.Wish(invoice_ids=None, amount_minor=None, use_credit=False, token=uuid4())
    return checkout.start_family_payment(guardian_id=family.guardian.pk, wish=wish)


def statements(captured: CaptureQueriesContext) -> int:
    return len(captured.captured_queries)


def ready(school: Any) -> None:
    """An account whose address the gateway knows, as after the first payment."""
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    room = make.make_class()
    family = make.make_family(room, name="First")
    make.bill(room, amount_minor=100)
    pay_all(family)


def test_the_pay_button(school: Any, sandbox: Sandbox) -> None:
    ready(school)
    costs = []
    for children in (1, 6):
        room = make.make_class(f"R{children}")
        family = make.make_family(room, children=children, name=f"Family {children}")
        make.bill(room)
        with CaptureQueriesContext(connection) as captured:
            pay_all(family)
        costs.append(statements(captured))
    assert costs[0] <= START, costs
    assert costs[1] <= costs[0] + 5 * START_EACH, costs


def test_a_message_and_the_booking(school: Any, sandbox: Sandbox, anonymous: Any) -> None:
    ready(school)
    room = make.make_class("Paying")
    family = make.make_family(room, children=3, name="Paying")
    make.bill(room)
    step = pay_all(family)
    while events.drain(school.schema_name):
        pass
    requests.post(step.redirect_url, {"action": "pay"}, allow_redirects=False, timeout=10)
    wanted = str(step.payment_id).encode()
    message = next(m for m in sandbox.collect() if wanted in m.body)
    client = anonymous()
    with CaptureQueriesContext(connection) as received:
        assert deliver(client, message).status_code == 200
    event = models.ProviderEvent.objects.get(payment_hint=str(step.payment_id))
    with CaptureQueriesContext(connection) as worked:
        tasks.process_provider_event(
            schema_name=school.schema_name, provider_event_id=str(event.pk)
        )
    with CaptureQueriesContext(connection) as booked:
        events.drain(school.schema_name)
    assert sum(invoice.balance_minor for invoice in make.owed(family.child)) == 0
    costs = [statements(each) for each in (received, worked, booked)]
    assert costs[0] <= RECEIVE, costs
    assert costs[1] <= WORK, costs
    assert costs[2] <= BOOK, costs
