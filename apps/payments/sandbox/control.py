"""/_control: what tests and curious developers may do to the outside world. Loopback only.

POST /_control/faults            {"api": KIND, "times": 1, "path": "/v1/", "seconds": 2}, where
                                 KIND is 500, 503, 429, timeout, slow, lost or off;
                                 {"webhooks": "off" | "on"}
POST /_control/settle            {"session": "cs_…", "outcome": "succeeded" | "failed"}
POST /_control/capture_again     {"session": "cs_…"}
POST /_control/expire            {"session": "cs_…"}
POST /_control/dashboard_refund  {"session" | "payment_intent" | "charge": "…", "amount": 100,
                                  "status": "succeeded"}
POST /_control/finish_refund     {"refund": "re_…", "status": "failed", "reason": "declined"}
POST /_control/payout            {"session" | "payment_intent" | "charge": "…"}: pay out the whole
                                 balance of its account now
POST /_control/fail_payout       {"payout": "po_…"}
POST /_control/dispute           {"session" | "payment_intent" | "charge": "…", "amount": 100,
                                  "reason": "fraudulent", "seconds": 864000,
                                  "inquiry": false}
POST /_control/escalate_inquiry  {"dispute": "du_…"}: the bank makes a dispute of it
POST /_control/answer_dispute    {"dispute": "du_…"}
POST /_control/close_dispute     {"dispute": "du_…", "status": "won" | "lost"}
POST /_control/paypal/…          the same for PayPal: see paypal/control.py
GET  /_control/                  the newest charges with buttons, for people
POST /_control/saved_card        {"payment_method": "pm_…", "outcome": "succeeded" | "declined" |
                                  "authentication_required" | "expired"}: for its charges to come
GET  /_control/state             what is switched, and how many messages wait
"""

from __future__ import annotations

import json
from typing import Any

from apps.payments.sandbox.attempts import OUTCOMES
from apps.payments.sandbox.board import Board
from apps.payments.sandbox.charges import OUTCOMES as CHARGE_OUTCOMES
from apps.payments.sandbox.disputes import ANSWER_WITHIN, ENDINGS
from apps.payments.sandbox.faults import SLOW_SECONDS, Faults
from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.paypal.control import PayPalControl
from apps.payments.sandbox.paypal.wire import PayPalError
from apps.payments.sandbox.refunds import STATUSES
from apps.payments.sandbox.replies import Reply, Request, json_reply
from apps.payments.sandbox.wire import Json, WireError, integer, missing, not_found

_LOOPBACK = ("127.0.0.1", "::1", "")
_REFUNDED = {"charge": "charge", "payment_intent": "payment_intent", "session": "session"}


class Control:
    """Answers requests under /_control/; objects are found by their id, without a key."""

    def __init__(self, gateway: Gateway, faults: Faults) -> None:
        self.gateway = gateway
        self.store = gateway.store
        self.faults = faults
        self.paypal = PayPalControl(gateway.paypal)
        self.board = Board(gateway, self.paypal)

    def answer(self, request: Request) -> Reply:
        _check_caller(request)
        name = request.path.removeprefix("/_control/").strip("/")
        if not name and request.method == "GET":
            return self.board.show(request)
        if not name and request.method == "POST":
            return self.board.press(request)
        _check_type(request)
        if (request.method, name) == ("GET", "state"):
            return json_reply(200, self._state())
        if request.method == "POST" and name.startswith("paypal/"):
            return self._paypal(name.removeprefix("paypal/"), _wanted(request))
        return self._act(request, name)

    def _act(self, request: Request, name: str) -> Reply:
        """What the gateway, the payer's bank or a person at its dashboard does."""
        actions = {
            "faults": self._switch,
            "settle": self._settle,
            "capture_again": self._capture_again,
            "expire": self._expire,
            "dashboard_refund": self._refund,
            "finish_refund": self._finish_refund,
            "saved_card": self._saved_card,
            "payout": self._pay_out,
            "fail_payout": self._fail_payout,
            "dispute": self._dispute,
            "answer_dispute": self._answer_dispute,
            "escalate_inquiry": self._escalate_inquiry,
            "close_dispute": self._close_dispute,
        }
        if request.method != "POST" or name not in actions:
            raise WireError(404, f"There is no such control ({request.method} {name}).")
        wanted = _wanted(request)
        with self.store.work():
            return json_reply(200, actions[name](wanted))

    def _paypal(self, name: str, wanted: Json) -> Reply:
        try:
            with self.store.work():
                return json_reply(200, self.paypal.act(name, wanted))
        except PayPalError as error:
            return json_reply(error.status, error.body)

    def _state(self) -> Json:
        waiting = self.store.rows("SELECT count(*) FROM delivery")[0][0]
        return {
            "webhooks": "on" if self.gateway.behaviour.webhooks else "off",
            "messages_waiting": waiting,
            "payments_waiting": self.store.rows(
                "SELECT count(*) FROM timer WHERE outcome NOT IN ('expire', 'payout')"
            )[0][0],
        }

    def _switch(self, wanted: Json) -> Json:
        if "webhooks" in wanted:
            self.gateway.behaviour.webhooks = _one_of(wanted, "webhooks", ("on", "off")) == "on"
        if "api" in wanted:
            self._trouble(wanted)
        return self._state()

    def _trouble(self, wanted: Json) -> None:
        kinds = ("500", "503", "429", "timeout", "slow", "lost", "off")
        kind = _one_of(wanted, "api", kinds)
        path, times = str(wanted.get("path", "/v1/")), integer({"times": 1} | wanted, "times")
        if kind == "off":
            self.faults.clear()
        elif kind == "timeout":
            self.faults.hang[path] = times
        elif kind == "lost":
            self.faults.lose_answers[path] = times
        elif kind == "slow":
            self.faults.slow[path] = [float(wanted.get("seconds", SLOW_SECONDS))] * times
        else:
            self.faults.fail[path] = [int(kind)] * times

    def _settle(self, wanted: Json) -> Json:
        account, session_id = self._named(wanted, "session", "session")
        outcome = _one_of(
            wanted | {"outcome": wanted.get("outcome", "succeeded")}, "outcome", OUTCOMES
        )
        return self.gateway.settle(account, session_id, outcome)

    def _capture_again(self, wanted: Json) -> Json:
        return self.gateway.capture_again(*self._named(wanted, "session", "session"))

    def _expire(self, wanted: Json) -> Json:
        return self.gateway.expire_session(*self._named(wanted, "session", "session"))

    def _refund(self, wanted: Json) -> Json:
        """A refund made by a person at the gateway: it names none of ours."""
        name = next((name for name in _REFUNDED if wanted.get(name)), "payment_intent")
        account, object_id = self._named(wanted, name, _REFUNDED[name])
        if name == "session":
            session = self.gateway.session(account, object_id)
            name, object_id = "payment_intent", session["payment_intent"]
        params = {name: object_id}
        if "amount" in wanted:
            params["amount"] = str(wanted["amount"])
        status = _one_of({"status": "succeeded"} | wanted, "status", STATUSES)
        return self.gateway.create_refund(account, params, status=status)

    def _finish_refund(self, wanted: Json) -> Json:
        account, refund_id = self._named(wanted, "refund", "refund")
        status = _one_of({"status": "succeeded"} | wanted, "status", STATUSES)
        return self.gateway.finish_refund(account, refund_id, status, str(wanted.get("reason", "")))

    def _saved_card(self, wanted: Json) -> Json:
        account, method_id = self._named(wanted, "payment_method", "payment_method")
        outcome = _one_of({"outcome": "succeeded"} | wanted, "outcome", CHARGE_OUTCOMES)
        return self.gateway.set_charge_outcome(account, method_id, outcome)

    def _pay_out(self, wanted: Json) -> Json:
        name = next((name for name in _REFUNDED if wanted.get(name)), "session")
        account, _object_id = self._named(wanted, name, _REFUNDED[name])
        return {"payouts": self.gateway.pay_out(account)}

    def _fail_payout(self, wanted: Json) -> Json:
        return self.gateway.fail_payout(*self._named(wanted, "payout", "payout"))

    def _dispute(self, wanted: Json) -> Json:
        account, charge_id = self._charge(wanted)
        return self.gateway.open_dispute(
            account,
            charge_id,
            amount=integer(wanted, "amount", minimum=1) if "amount" in wanted else None,
            reason=str(wanted.get("reason", "fraudulent"))[:60],
            seconds=integer({"seconds": ANSWER_WITHIN} | wanted, "seconds"),
            inquiry=wanted.get("inquiry") is True,
        )

    def _charge(self, wanted: Json) -> tuple[str, str]:
        """The account and the charge of a named session, intent or charge."""
        name = next((name for name in _REFUNDED if wanted.get(name)), "charge")
        account, object_id = self._named(wanted, name, _REFUNDED[name])
        if name == "session":
            object_id = self.gateway.session(account, object_id)["payment_intent"] or ""
            name = "payment_intent"
        if name == "payment_intent":
            object_id = self.gateway.object(account, name, object_id)["latest_charge"] or ""
        return account, object_id

    def _answer_dispute(self, wanted: Json) -> Json:
        return self.gateway.answer_dispute(*self._named(wanted, "dispute", "dispute"))

    def _escalate_inquiry(self, wanted: Json) -> Json:
        return self.gateway.escalate_inquiry(*self._named(wanted, "dispute", "dispute"))

    def _close_dispute(self, wanted: Json) -> Json:
        account, dispute_id = self._named(wanted, "dispute", "dispute")
        ending = _one_of({"status": ""} | wanted, "status", ENDINGS)
        return self.gateway.close_dispute(account, dispute_id, ending)

    def _named(self, wanted: Json, name: str, kind: str) -> tuple[str, str]:
        """The account of a named object, and its id."""
        if not wanted.get(name):
            raise missing(name)
        object_id = str(wanted[name])
        account = self.store.account_of(kind, object_id)
        if account is None:
            raise not_found(kind, object_id)
        return account, object_id


def _check_caller(request: Request) -> None:
    """Only this machine."""
    host = request.host.rpartition(":")[0] or request.host
    local = host in ("127.0.0.1", "localhost", "[::1]") or host.endswith(".localhost")
    if request.remote not in _LOOPBACK or not local:
        raise WireError(403, "Only from this machine.")


def _check_type(request: Request) -> None:
    """No web page's script can send this type without asking first."""
    if request.method == "POST" and not request.content_type.startswith("application/json"):
        raise WireError(415, "Send application/json.")


def _wanted(request: Request) -> Json:
    try:
        wanted: Any = json.loads(request.text() or "{}")
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise WireError(400, "Send a JSON object.")
    return wanted


def _one_of(wanted: Json, name: str, known: tuple[str, ...]) -> str:
    value = str(wanted[name])
    if value not in known:
        raise WireError(400, f"{name} must be one of: {', '.join(known)}.", param=name)
    return value
