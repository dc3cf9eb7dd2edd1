"""Checkout sessions: the hosted page as an object, from open to complete or expired."""

from __future__ import annotations

from typing import Any

from apps.payments.sandbox import wire
from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.wire import DAY, Json, WireError

MAX_ITEMS = 100
MAX_TOTAL = 99_999_999  # eight digits, whatever the currency


class Sessions(Objects):
    """Making, reading and closing hosted pages."""

    def create_session(self, account: str, params: Json, *, base: str) -> Json:
        """`base`: the address of this server, on which the hosted page will be found."""
        if params.get("mode") != "payment":
            raise WireError(400, "Only mode=payment is known here.", param="mode")
        for name in ("success_url", "cancel_url"):
            _check_address(params, name)
        items = [_line(item) for item in _items(params)]
        if params.get("customer"):
            self.object(account, "customer", str(params["customer"]))
        session = _new_session(params, items, base=base)
        self.store.put(account, "session", session)
        self.store.put(account, "session_data", _behind_the_page(session, params, items))
        self.plan(account, session["id"], "expire", due=session["expires_at"])
        return session

    def session(self, account: str, session_id: str) -> Json:
        """The session; one whose time is over has expired by now."""
        session = self.store.get(account, "session", session_id)
        if session is None:
            raise wire.not_found("checkout.session", session_id)
        if session["status"] == "open" and session["expires_at"] <= wire.now():
            self._expire(account, session)
        return session

    def expire_session(self, account: str, session_id: str) -> Json:
        session = self.session(account, session_id)
        if session["status"] != "open":
            message = (
                'Only Checkout Sessions with a status in ["open"] can be expired. This '
                f"Checkout Session has a status of {session['status']}."
            )
            raise WireError(400, message)
        return self._expire(account, session)

    def _expire(self, account: str, session: Json) -> Json:
        session |= {"status": "expired", "url": None}
        self.store.put(account, "session", session)
        self.emit(account, "checkout.session.expired", session)
        return session

    def data_of(self, account: str, session_id: str) -> Json:
        """What the session was made with and does not show: items, description, metadata."""
        return self.object(account, "session_data", f"data_{session_id}")

    def items(self, account: str, session_id: str) -> list[Json]:
        self.session(account, session_id)
        return list(self.data_of(account, session_id)["items"])


def _new_session(params: Json, items: list[Json], *, base: str) -> Json:
    session_id, total = wire.new_id("cs_test"), sum(item["amount_total"] for item in items)
    return {
        "id": session_id,
        "object": "checkout.session",
        "livemode": False,
        "mode": "payment",
        "status": "open",
        "payment_status": "unpaid",
        "created": wire.now(),
        "expires_at": _expiry(params),
        "currency": _currency(items, total),
        "amount_subtotal": total,
        "amount_total": total,
        "client_reference_id": params.get("client_reference_id"),
        "customer": params.get("customer"),
        "customer_email": params.get("customer_email"),
        "locale": params.get("locale"),
        "metadata": wire.mapping(params, "metadata"),
        "payment_intent": None,
        "success_url": params["success_url"],
        "cancel_url": params["cancel_url"],
        "url": f"{base}/c/pay/{session_id}",
    }


def _behind_the_page(session: Json, params: Json, items: list[Json]) -> Json:
    data = wire.mapping(params, "payment_intent_data")
    return {
        "id": f"data_{session['id']}",
        "items": items,
        "description": data.get("description"),
        "metadata": wire.mapping(data, "metadata"),
        "setup_future_usage": data.get("setup_future_usage"),
    }


def _check_address(params: Json, name: str) -> None:
    value = params.get(name)
    if not value:
        raise wire.missing(name)
    if not str(value).startswith(("http://", "https://")):
        raise WireError(400, f"Not a valid URL: {value}", code="url_invalid", param=name)


def _currency(items: list[Json], total: int) -> str:
    currencies = {item["currency"] for item in items}
    if len(currencies) != 1:
        raise WireError(400, "All line items must have one currency.", param="line_items")
    if total > MAX_TOTAL:
        message = f"The total must be no more than {MAX_TOTAL} in minor units."
        raise WireError(400, message, code="amount_too_large", param="line_items")
    return str(currencies.pop())


def _items(params: Json) -> list[Json]:
    items = params.get("line_items")
    if not isinstance(items, list) or not items:
        raise wire.missing("line_items")
    if len(items) > MAX_ITEMS:
        raise WireError(400, f"At most {MAX_ITEMS} line items.", param="line_items")
    return items


def _line(item: Any) -> Json:
    if not isinstance(item, dict):
        raise WireError(400, "Invalid line item.", param="line_items")
    price = wire.mapping(item, "price_data")
    amount = wire.integer(price, "unit_amount", minimum=1)
    quantity = wire.integer(item, "quantity", minimum=1) if "quantity" in item else 1
    name = wire.mapping(price, "product_data").get("name")
    if not name:
        raise wire.missing("line_items[price_data][product_data][name]")
    return {
        "id": wire.new_id("li"),
        "object": "item",
        "description": str(name),
        "currency": _line_currency(price),
        "quantity": quantity,
        "amount_subtotal": amount * quantity,
        "amount_total": amount * quantity,
    }


def _line_currency(price: Json) -> str:
    currency = str(price.get("currency", ""))
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        raise WireError(400, f"Invalid currency: {currency}", param="currency")
    return currency.lower()


def _expiry(params: Json) -> int:
    if "expires_at" not in params:
        return wire.now() + DAY
    expires_at = wire.integer(params, "expires_at")
    ahead = expires_at - wire.now()
    # A minute's grace at both ends: the clock goes on while a request is retried.
    if not 29 * 60 <= ahead <= DAY + 60:
        message = "expires_at must be between 30 minutes and 24 hours after creation."
        raise WireError(400, message, param="expires_at")
    return expires_at
