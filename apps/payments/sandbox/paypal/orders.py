"""Orders: opened by a server, approved by the payer, and only then captured, by the server."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.objects import PayPalObjects
from apps.payments.sandbox.paypal.wire import Json, PayPalError

MAX_ITEMS = 100
# What the payer pays with, chosen on the approval page: it decides how a capture ends.
FUNDINGS = ("balance", "pending", "pending-denied", "declined")
OUTCOMES = {"succeeded": "COMPLETED", "failed": "DECLINED"}


class Orders(PayPalObjects):
    """Making, reading, approving and capturing orders."""

    def create_order(self, account: str, body: Json, *, base: str) -> Json:
        """`base`: the address of this server's /paypal, where the approval page is."""
        if body.get("intent") != "CAPTURE":
            raise PayPalError(400, "INVALID_PARAMETER_VALUE", "Only intent CAPTURE is known here.")
        unit = _unit(body)
        context = _context(body)
        order_id = wire.new_id()
        order: Json = {
            "id": order_id,
            "intent": "CAPTURE",
            "status": "PAYER_ACTION_REQUIRED",
            "payment_source": {"paypal": {}},
            "purchase_units": [unit],
            "create_time": wire.now(),
            "links": [
                _link(f"{base}/v2/checkout/orders/{order_id}", "self"),
                _link(f"{base}/checkoutnow?token={order_id}", "payer-action"),
            ],
        }
        hidden = {"id": f"data_{order_id}", "funding": "", "at": time.time(), "base": base}
        self.keep(account, "order", order)
        self.keep(account, "order_data", hidden | context)
        return order

    def order(self, account: str, order_id: str) -> Json:
        """The order; one that nobody completed in time is forgotten."""
        order = self.one(account, "order", order_id)
        age = time.time() - self.data_of(account, order_id)["at"]
        if order["status"] != "COMPLETED" and age > self.behaviour.order_life:
            raise wire.not_found("order")
        return order

    def data_of(self, account: str, order_id: str) -> Json:
        """What the payer chose, and where the page leads back to."""
        return self.one(account, "order_data", f"data_{order_id}")

    def approve(self, account: str, order_id: str, funding: str) -> Json:
        """The payer agrees. No money moves by this."""
        order = self.order(account, order_id)
        if order["status"] == "COMPLETED":
            return order
        data = self.data_of(account, order_id) | {"funding": funding}
        order["status"] = "APPROVED"
        self.keep(account, "order", order)
        self.keep(account, "order_data", data)
        self.tell(account, "CHECKOUT.ORDER.APPROVED", "order", order)
        return order

    def capture_order(self, account: str, order_id: str) -> Json:
        """Take the money of an approved order. Raises PayPalError 422 for any other."""
        order, data = self.order(account, order_id), self.data_of(account, order_id)
        if order["status"] == "COMPLETED":
            raise PayPalError(422, "ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise PayPalError(422, "ORDER_NOT_APPROVED")
        if data["funding"] == "declined":
            raise PayPalError(422, "INSTRUMENT_DECLINED", "The instrument was declined.")
        self._check_invoice(account, order)
        capture = self._new_capture(order, data)
        if data["funding"].startswith("pending"):
            self._wait(account, capture, data["funding"])
        else:
            self._complete(account, capture)
        self._save(account, order | {"status": "COMPLETED", "update_time": wire.now()}, capture)
        return self.order(account, order_id)

    def settle_capture(self, account: str, capture_id: str, outcome: str) -> Json:
        """The late end of a pending capture: `succeeded` or `failed`."""
        capture = self.one(account, "capture", capture_id)
        if capture["status"] != "PENDING":
            return capture
        capture.pop("status_details", None)
        if outcome == "succeeded":
            self._complete(account, capture)
        else:
            capture["status"] = "DECLINED"
            self.tell(account, "PAYMENT.CAPTURE.DENIED", "capture", capture)
        capture["update_time"] = wire.now()
        self._save(account, self.one(account, "order", _order_of(capture)), capture)
        return capture

    def _check_invoice(self, account: str, order: Json) -> None:
        """PayPal takes no second payment for an invoice number that has been paid."""
        number = order["purchase_units"][0].get("invoice_id")
        taken = [c.get("invoice_id") for c in self.all_of(account, "capture")]
        if number and number in taken:
            raise PayPalError(422, "DUPLICATE_INVOICE_ID")

    def _new_capture(self, order: Json, data: Json) -> Json:
        unit, capture_id = order["purchase_units"][0], wire.new_id()
        currency = unit["amount"]["currency_code"]
        difference = Decimal(self.behaviour.capture_difference).scaleb(-wire.digits(currency))
        taken = wire.money(Decimal(unit["amount"]["value"]) + difference, currency)
        return {
            "id": capture_id,
            "status": "PENDING",
            "amount": taken,
            "final_capture": True,
            "custom_id": unit.get("custom_id"),
            "invoice_id": unit.get("invoice_id"),
            "create_time": wire.now(),
            "update_time": wire.now(),
            "supplementary_data": {"related_ids": {"order_id": order["id"]}},
            "links": [
                _link(f"{data['base']}/v2/payments/captures/{capture_id}", "self"),
                _link(f"{data['base']}/v2/checkout/orders/{order['id']}", "up"),
            ],
        }

    def _wait(self, account: str, capture: Json, funding: str) -> None:
        capture["status_details"] = {"reason": "ECHECK"}
        self.tell(account, "PAYMENT.CAPTURE.PENDING", "capture", capture)
        outcome = "succeeded" if funding == "pending" else "failed"
        due = time.time() + self.behaviour.settle_after
        self.plan(account, capture["id"], f"paypal:{outcome}", due=due)

    def _complete(self, account: str, capture: Json) -> None:
        gross, currency = wire.amount(capture["amount"])
        fee = (gross * Decimal("0.0349") + Decimal("0.49")).quantize(Decimal("0.01"))
        if not wire.digits(currency):
            fee = fee.quantize(Decimal(1))
        capture["status"] = "COMPLETED"
        capture["seller_receivable_breakdown"] = {
            "gross_amount": wire.money(gross, currency),
            "paypal_fee": wire.money(fee, currency),
            "net_amount": wire.money(gross - fee, currency),
        }
        self.report(account, capture, "T0006", gross, currency, fee=fee)
        self.tell(account, "PAYMENT.CAPTURE.COMPLETED", "capture", capture)

    def report(
        self,
        account: str,
        subject: Json,
        code: str,
        value: Decimal,
        currency: str,
        *,
        fee: Decimal = Decimal(0),
        related: str = "",
    ) -> None:
        """A line of the account's transaction report."""
        line: Json = {
            "transaction_id": subject["id"],
            "transaction_event_code": code,
            "transaction_initiation_date": wire.now().replace("Z", "+0000"),
            "transaction_updated_date": wire.now().replace("Z", "+0000"),
            "transaction_amount": wire.money(value, currency),
            "transaction_status": "S",
            "custom_field": subject.get("custom_id") or "",
            "invoice_id": subject.get("invoice_id") or "",
        }
        if fee:
            line["fee_amount"] = wire.money(-fee, currency)
        if related:
            line |= {"paypal_reference_id": related, "paypal_reference_id_type": "TXN"}
        self.keep(account, "report", {"id": f"report_{wire.new_id()}", "line": line})

    def _save(self, account: str, order: Json, capture: Json) -> None:
        payments = order["purchase_units"][0].setdefault("payments", {})
        others = [c for c in payments.get("captures", []) if c["id"] != capture["id"]]
        payments["captures"] = [*others, capture]
        self.keep(account, "order", order)
        self.keep(account, "capture", capture)


def _order_of(capture: Json) -> str:
    return str(capture["supplementary_data"]["related_ids"]["order_id"])


def _link(href: str, rel: str) -> Json:
    return {"href": href, "rel": rel, "method": "GET"}


def _unit(body: Json) -> Json:
    units = body.get("purchase_units")
    if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", "One purchase unit, please.")
    unit = units[0]
    total, currency = wire.amount(unit.get("amount"))
    items = unit.get("items") or []
    if len(items) > MAX_ITEMS or any(len(str(item.get("name", ""))) > 127 for item in items):
        raise PayPalError(400, "INVALID_STRING_MAX_LENGTH")
    if items:
        _check_items(items, unit["amount"], total, currency)
    return {"reference_id": "default", **unit}


def _check_items(items: list[Json], amount: Json, total: Decimal, currency: str) -> None:
    """PayPal adds the lines up itself."""
    lines = [wire.amount(item.get("unit_amount")) for item in items]
    breakdown: Any = (amount.get("breakdown") or {}).get("item_total")
    item_total, _currency = wire.amount(breakdown)
    if any(line[1] != currency for line in lines):
        raise PayPalError(422, "CURRENCY_MISMATCH")
    counts = [int(item.get("quantity", "1")) for item in items]
    added = sum(line[0] * count for line, count in zip(lines, counts, strict=True))
    if added != item_total:
        raise PayPalError(422, "ITEM_TOTAL_MISMATCH")
    if item_total != total:
        raise PayPalError(422, "AMOUNT_MISMATCH")


def _context(body: Json) -> Json:
    source = (body.get("payment_source") or {}).get("paypal") or {}
    context = source.get("experience_context") or {}
    for name in ("return_url", "cancel_url"):
        if not str(context.get(name, "")).startswith(("http://", "https://")):
            raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", f"{name} is no address.")
    return {"return_url": context["return_url"], "cancel_url": context["cancel_url"]}
