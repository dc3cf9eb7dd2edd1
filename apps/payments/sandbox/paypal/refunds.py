"""Money that goes back: refunds by key or from PayPal's own pages, and disputes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.orders import Orders
from apps.payments.sandbox.paypal.wire import Json, PayPalError

_STATUS = {"succeeded": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}
DISPUTE_OUTCOMES = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}


class Refunds(Orders):
    """Refunds of captures, never more than was taken; disputes about them."""

    def refund_capture(
        self, account: str, capture_id: str, body: Json, *, status: str = ""
    ) -> Json:
        """`status`: succeeded, pending or failed; as the sandbox's behaviour says when empty."""
        capture = self.one(account, "capture", capture_id)
        value, currency = self._refundable(account, capture, body)
        refund: Json = {
            "id": wire.new_id(),
            "status": _STATUS[status or self.behaviour.refund_status],
            "amount": wire.money(value, currency),
            "custom_id": body.get("custom_id"),
            "invoice_id": body.get("invoice_id"),
            "create_time": wire.now(),
            "update_time": wire.now(),
            "links": [{"rel": "up", "method": "GET", "href": capture["links"][0]["href"]}],
        }
        self.report(account, refund, "T1107", -value, currency, related=capture_id)
        self._keep(account, capture, refund)
        pending = refund["status"] == "PENDING"
        news = "PAYMENT.REFUND.PENDING" if pending else "PAYMENT.CAPTURE.REFUNDED"
        self.tell(account, news, "refund", refund)
        return refund

    def finish_refund(self, account: str, refund_id: str, status: str) -> Json:
        """The late end of a refund: succeeded or failed (the money comes back then)."""
        refund = self.one(account, "refund", refund_id)
        capture = self.one(account, "capture", refund["links"][0]["href"].rpartition("/")[2])
        refund |= {"status": _STATUS[status], "update_time": wire.now()}
        self._keep(account, capture, refund)
        failed = status == "failed"
        news = "PAYMENT.REFUND.FAILED" if failed else "PAYMENT.CAPTURE.REFUNDED"
        self.tell(account, news, "refund", refund)
        return refund

    def _refundable(self, account: str, capture: Json, body: Json) -> tuple[Decimal, str]:
        if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
            fully = capture["status"] == "REFUNDED"
            raise PayPalError(422, "CAPTURE_FULLY_REFUNDED" if fully else "INVALID_STATUS")
        left = self._left(account, capture)
        currency = capture["amount"]["currency_code"]
        value, asked_in = wire.amount(body["amount"]) if body.get("amount") else (left, currency)
        if asked_in != currency:
            raise PayPalError(422, "CURRENCY_MISMATCH")
        if value > left:
            raise PayPalError(422, "REFUND_AMOUNT_EXCEEDED", "More than is left of the capture.")
        return value, currency

    def _left(self, account: str, capture: Json) -> Decimal:
        taken = Decimal(capture["amount"]["value"])
        return taken - sum(
            (Decimal(refund["amount"]["value"]) for refund in self._refunds_of(account, capture)),
            Decimal(0),
        )

    def _refunds_of(self, account: str, capture: Json) -> list[Json]:
        up = capture["links"][0]["href"]
        rows = self.all_of(account, "refund")
        return [r for r in rows if r["links"][0]["href"] == up and r["status"] != "FAILED"]

    def _keep(self, account: str, capture: Json, refund: Json) -> None:
        """The refund, and what its capture and order say of it."""
        self.keep(account, "refund", refund)
        left = self._left(account, capture)
        whole = left == Decimal(capture["amount"]["value"])
        part = "COMPLETED" if whole else "PARTIALLY_REFUNDED"
        capture["status"] = part if left else "REFUNDED"
        order_id = capture["supplementary_data"]["related_ids"]["order_id"]
        order = self.one(account, "order", order_id)
        payments = order["purchase_units"][0]["payments"]
        others = [r for r in payments.get("refunds", []) if r["id"] != refund["id"]]
        payments["refunds"] = [*others, refund]
        self._save(account, order, capture)

    def open_dispute(self, account: str, capture_id: str, *, reason: str = "") -> Json:
        """The payer complains: PayPal asks the school to answer within ten days."""
        capture = self.one(account, "capture", capture_id)
        due = datetime.now(UTC) + timedelta(days=10)
        dispute_id = f"PP-D-{wire.new_id()}"
        dispute: Json = {
            "id": dispute_id,
            "dispute_id": dispute_id,
            "create_time": wire.now(),
            "update_time": wire.now(),
            "reason": reason or "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
            "status": "WAITING_FOR_SELLER_RESPONSE",
            "dispute_amount": capture["amount"],
            "seller_response_due_date": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "disputed_transactions": [
                {"seller_transaction_id": capture_id, "custom": capture.get("custom_id")}
            ],
        }
        self.keep(account, "dispute", dispute)
        self.tell(account, "CUSTOMER.DISPUTE.CREATED", "dispute", dispute)
        return dispute

    def close_dispute(self, account: str, dispute_id: str, outcome: str) -> Json:
        """`outcome`: won or lost, as the school sees it; a lost one takes the money."""
        dispute = self.one(account, "dispute", dispute_id)
        dispute |= {
            "status": "RESOLVED",
            "update_time": wire.now(),
            "dispute_outcome": {"outcome_code": DISPUTE_OUTCOMES[outcome]},
        }
        if outcome == "lost":
            value, currency = wire.amount(dispute["dispute_amount"])
            related = dispute["disputed_transactions"][0]["seller_transaction_id"]
            self.report(account, {"id": wire.new_id()}, "T1201", -value, currency, related=related)
        self.keep(account, "dispute", dispute)
        self.tell(account, "CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)
        return dispute
