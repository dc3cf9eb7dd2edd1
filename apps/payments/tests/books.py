"""The gateway's books of an account, as the sandbox keeps them."""

from __future__ import annotations

from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import Discrepancy
from apps.payments.services.reconcile import running, schedule, windows
from apps.payments.tests.factories import LineFactory, start


class Books:
    """The sandbox's books of the account, to change behind everybody's back."""

    def __init__(self, account, sandbox):
        self.account, self.sandbox, self.store = account, sandbox, sandbox.app.store

    @property
    def key(self):
        return self.sandbox.account()

    @property
    def gateway(self):
        return self.sandbox.app.gateway

    def paid(self, amount_minor=25000, *, heard=True):
        started = start(lines=[LineFactory(amount_minor=amount_minor)])
        self.sandbox.press(started, "pay")
        if heard:
            payments.sync(started.payment_id)
        return started.payment_id

    def charge(self, payment_id):
        charges = self.store.all(self.key, "charge")
        return next(c for c in charges if c["metadata"]["payment_id"] == str(payment_id))

    def change(self, kind, body, **values):
        self.store.put(self.key, kind, body | values)

    def remove_lines(self, object_id):
        for line in self.store.all(self.key, "balance_transaction"):
            if line["source"] == object_id:
                self.store.remove(self.key, line["id"])

    def refund(self, payment_id, amount_minor=1000):
        info = payments.request_refund(
            payment_id=payment_id,
            amount_minor=amount_minor,
            reason="Trip",
            actor="bursar",
            idempotency_key=f"{payment_id}:{amount_minor}",
        )
        return models.Refund.objects.get(pk=info.id)

    def run(self):
        span = windows.until_now(timezone.now())
        return running.perform(schedule.run_for(self.account, span).pk)

    def open(self):
        rows = Discrepancy.objects.filter(state=Discrepancy.OPEN)
        return sorted((row.kind, row.object_id) for row in rows)
