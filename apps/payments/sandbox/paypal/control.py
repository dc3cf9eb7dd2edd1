"""/_control/paypal/…: what the outside world may do to payments by PayPal, by code and by button.

POST settle          {"capture": "…", "outcome": "succeeded" | "failed"}
POST refund          {"capture": "…", "amount": {"currency_code": "USD", "value": "1.00"},
                      "status": "succeeded"}
POST finish_refund   {"refund": "…", "status": "succeeded" | "failed"}
POST dispute         {"capture": "…", "reason": "…"}
POST close_dispute   {"dispute": "PP-D-…", "outcome": "won" | "lost"}
"""

from __future__ import annotations

from apps.payments.sandbox import texts
from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.gateway import PayPal
from apps.payments.sandbox.paypal.wire import Json, PayPalError

SHOWN = 25
_NEWEST = "SELECT account, id FROM object WHERE kind = 'paypal.capture' ORDER BY seq DESC LIMIT ?"


class PayPalControl:
    """Objects are found by their id, without a token. Raises PayPalError."""

    def __init__(self, paypal: PayPal) -> None:
        self.paypal = paypal

    def act(self, name: str, wanted: Json) -> Json:
        """Carry out one control; the caller has opened the store's transaction."""
        kinds = {"finish_refund": "refund", "close_dispute": "dispute"}
        kind = kinds.get(name, "capture")
        object_id = str(wanted.get(kind) or "")
        account = self.paypal.owner(kind, object_id)
        if account is None:
            raise wire.not_found(kind)
        if name == "settle":
            outcome = _one_of(wanted, "outcome", ("succeeded", "failed"))
            return self.paypal.settle_capture(account, object_id, outcome)
        if name == "refund":
            status = _one_of(wanted, "status", ("succeeded", "pending", "failed"))
            body = {"amount": wanted["amount"]} if wanted.get("amount") else {}
            return self.paypal.refund_capture(account, object_id, body, status=status)
        if name == "finish_refund":
            status = _one_of(wanted, "status", ("succeeded", "failed"))
            return self.paypal.finish_refund(account, object_id, status)
        if name == "dispute":
            reason = str(wanted.get("reason", ""))[:60]
            return self.paypal.open_dispute(account, object_id, reason=reason)
        if name == "close_dispute":
            outcome = _one_of(wanted, "outcome", ("won", "lost"))
            return self.paypal.close_dispute(account, object_id, outcome)
        raise PayPalError(404, "INVALID_RESOURCE_ID", f"There is no such control ({name}).")

    def choices(self, lang: str) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
        """The newest captures for the page of controls: title, state, and buttons as (control,
        object, words)."""
        rows = self.paypal.store.rows(_NEWEST, SHOWN)
        return [self._choices(account, capture_id, lang) for account, capture_id in rows]

    def press(self, control: str, object_id: str) -> None:
        """A button of that page: `control` may end in the outcome, as in `settle:failed`."""
        name, _, outcome = control.partition(":")
        wanted = {"outcome": outcome} if outcome else {}
        kind = "dispute" if name == "close_dispute" else "capture"
        self.act(name, {kind: object_id, **wanted})

    def _choices(
        self, account: str, capture_id: str, lang: str
    ) -> tuple[str, str, list[tuple[str, str, str]]]:
        words, capture = texts.LANGUAGES[lang], self.paypal.one(account, "capture", capture_id)
        own = [d for d in self.paypal.all_of(account, "dispute") if _about(d) == capture_id]
        found = []
        if capture["status"] == "PENDING":
            found.append(("settle:succeeded", capture_id, words["do_settle"]))
            found.append(("settle:failed", capture_id, words["do_deny"]))
        if capture["status"] in ("COMPLETED", "PARTIALLY_REFUNDED"):
            found.append(("refund", capture_id, words["do_refund"]))
            if not own:
                found.append(("dispute", capture_id, words["do_dispute"]))
        for dispute in own:
            if dispute["status"] != "RESOLVED":
                found.append(("close_dispute:won", dispute["id"], words["do_won"]))
                found.append(("close_dispute:lost", dispute["id"], words["do_lost"]))
        total = texts.amount(
            wire.minor(capture["amount"]), capture["amount"]["currency_code"], lang
        )
        states = ", ".join([capture["status"], *(f"dispute {d['status']}" for d in own)])
        return f"PayPal {total}", f"{capture_id}: {states}", found


def _about(dispute: Json) -> str:
    return str(dispute["disputed_transactions"][0]["seller_transaction_id"])


def _one_of(wanted: Json, name: str, known: tuple[str, ...]) -> str:
    """The first one when none is named."""
    value = str(wanted.get(name) or known[0])
    if value not in known:
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", f"{name}: {', '.join(known)}.")
    return value
