"""A card that the sandbox keeps, what its bank says, and charges of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apps.events import facade as event_store
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.contracts import PaymentInfo
from apps.payments.tests.factories import MINA, order, start

CONSENT = "I allow Lincoln to keep this card, so that I can pay with it again."


def keep_card(sandbox: Any, **changes: Any) -> UUID:
    """Pay on the hosted page with consent; returns the card that is kept then."""
    started = start(consent=CONSENT, **changes)
    sandbox.press(started, "pay")
    assert payments.sync(started.payment_id).status == "captured"
    return payments.saved_methods(changes.get("payer_id", MINA))[0].id


def outcome(sandbox: Any, saved: UUID, name: str) -> None:
    """What the bank says to charges of this card from now on."""
    row = models.SavedMethod.objects.get(pk=saved)
    sandbox.app.gateway.set_charge_outcome(sandbox.account(), row.method_id, name)


def charge(
    saved: UUID,
    *,
    make_room: bool = True,
    still_wanted: Callable[[], bool] = lambda: True,
    **changes: Any,
) -> PaymentInfo:
    return payments.charge_saved_method(
        order(**changes), method_id=saved, make_room=make_room, still_wanted=still_wanted
    )


def intents(sandbox: Any, status: str = "succeeded") -> list[dict[str, Any]]:
    """Money that the gateway took without a page."""
    found = sandbox.app.store.all(sandbox.account(), "payment_intent")
    alone = [row for row in found if row["status"] == status and not row["setup_future_usage"]]
    return [row for row in alone if row["payment_method"]]


def story(payment_id: UUID) -> list[str]:
    return [type(stored.event).__name__ for stored in event_store.load(payment_id)]
