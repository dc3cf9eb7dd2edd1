"""What every part of the twin stands on: stored objects, and events with their messages."""

from __future__ import annotations

from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.wire import Json

KINDS = {"order": "checkout-order", "capture": "capture", "refund": "refund", "dispute": "dispute"}


class PayPalObjects(Objects):
    """Objects of every account; a token finds those of its own account only."""

    def one(self, account: str, kind: str, object_id: str) -> Json:
        """Raises PayPalError 404."""
        found = self.store.get(account, f"paypal.{kind}", object_id)
        if found is None:
            raise wire.not_found(kind)
        return found

    def all_of(self, account: str, kind: str) -> list[Json]:
        """Newest first."""
        return self.store.all(account, f"paypal.{kind}")

    def keep(self, account: str, kind: str, body: Json) -> None:
        """Save an object under its own id."""
        self.store.put(account, f"paypal.{kind}", body)

    def owner(self, kind: str, object_id: str) -> str | None:
        """The account of an object, for those who come without a token."""
        return self.store.account_of(f"paypal.{kind}", object_id)

    def tell(self, account: str, event_type: str, kind: str, subject: Json) -> None:
        """Record an event and plan its messages: several copies, scattered, so out of order."""
        event: Json = {
            "id": f"WH-{wire.new_id()}",
            "event_version": "1.0",
            "create_time": wire.now(),
            "resource_type": KINDS[kind],
            "event_type": event_type,
            "summary": f"{event_type} (TEST)",
            "resource": subject,
        }
        self.store.put(account, "event", event)
        for webhook in self.store.all(account, "webhook_endpoint"):
            if event_type in webhook["enabled_events"] or "*" in webhook["enabled_events"]:
                self._plan_messages(account, webhook["id"], event["id"])
