"""GET /_control/: the newest charges and what the outside world may do to them, as a page. Only for
browsers on this machine, and only with the token of the page itself."""

from __future__ import annotations

import hashlib
import hmac
from html import escape
from urllib.parse import parse_qs

from apps.payments.sandbox import pages, texts
from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.paypal.control import PayPalControl
from apps.payments.sandbox.paypal.wire import PayPalError
from apps.payments.sandbox.replies import Reply, Request, html, redirect
from apps.payments.sandbox.wire import Json, WireError

SHOWN = 25
_NEWEST = "SELECT account, id FROM object WHERE kind = 'charge' ORDER BY seq DESC LIMIT ?"


class Board:
    """The page of controls; each button is what its namesake under /_control/ does."""

    def __init__(self, gateway: Gateway, paypal: PayPalControl) -> None:
        self.gateway = gateway
        self.paypal = paypal
        self.store = gateway.store
        secret = gateway.store.secret("form").encode()
        self.token = hmac.new(secret, b"controls", hashlib.sha256).hexdigest()[:32]

    def show(self, request: Request) -> Reply:
        lang = texts.language(None, request.languages)
        with self.store.work():
            rows = self.store.rows(_NEWEST, SHOWN)
            cards = [self._card(account, charge_id, lang) for account, charge_id in rows]
            cards += [self._paypal_card(*each) for each in self.paypal.choices(lang)]
        return html(200, pages.board_page("".join(cards), lang))

    def press(self, request: Request) -> Reply:
        """Raises WireError for a form that is not ours, or a button that is out of date."""
        form = {name: values[0] for name, values in parse_qs(request.text()).items()}
        if not hmac.compare_digest(form.get("token", "").encode(), self.token.encode()):
            raise WireError(403, "This form is out of date.")
        action, _, object_id = form.get("action", "").partition(" ")
        if action.startswith("paypal/"):
            return self._press_paypal(action.removeprefix("paypal/"), object_id)
        kind = "charge" if action in ("dispute", "inquire", "refund") else "dispute"
        account = self.store.account_of(kind, object_id)
        if account is None:
            raise WireError(404, "There is no such object.")
        with self.store.work():
            self._act(account, action, object_id)
        return redirect("/_control/")

    def _press_paypal(self, control: str, object_id: str) -> Reply:
        try:
            with self.store.work():
                self.paypal.press(control, object_id)
        except PayPalError as error:
            raise WireError(error.status, str(error)) from error
        return redirect("/_control/")

    def _paypal_card(self, title: str, state: str, buttons: list[tuple[str, str, str]]) -> str:
        shown = "".join(self._button(f"paypal/{name}", *rest) for name, *rest in buttons)
        return f'<h2>{escape(title)}</h2><p class="hint">{escape(state)}</p>{shown}'

    def _act(self, account: str, action: str, object_id: str) -> None:
        if action == "dispute":
            self.gateway.open_dispute(account, object_id)
        elif action == "inquire":
            self.gateway.open_dispute(account, object_id, inquiry=True)
        elif action == "escalate":
            self.gateway.escalate_inquiry(account, object_id)
        elif action == "refund":
            self.gateway.create_refund(account, {"charge": object_id}, status="succeeded")
        elif action == "answer":
            self.gateway.answer_dispute(account, object_id)
        elif action in ("won", "lost"):
            self.gateway.close_dispute(account, object_id, action)
        else:
            raise WireError(400, "There is no such control.")

    def _card(self, account: str, charge_id: str, lang: str) -> str:
        charge = self.gateway.object(account, "charge", charge_id)
        disputes = [d for d in self.store.all(account, "dispute") if d["charge"] == charge_id]
        buttons = "".join(self._button(*each) for each in _choices(charge, disputes, lang))
        amount = texts.amount(charge["amount"], charge["currency"], lang)
        states = ", ".join([charge["status"], *(f"dispute {d['status']}" for d in disputes)])
        return (
            f"<h2>{escape(amount)}</h2><p>{escape(charge['description'] or '')}</p>"
            f'<p class="hint">{escape(charge_id)}: {escape(states)}</p>{buttons}'
        )

    def _button(self, action: str, object_id: str, text: str) -> str:
        return (
            '<form method="post" action="/_control/">'
            f'<input type="hidden" name="token" value="{self.token}">'
            f'<button name="action" value="{action} {escape(object_id, quote=True)}">'
            f"{escape(text)}</button></form>"
        )


def _choices(charge: Json, disputes: list[Json], lang: str) -> list[tuple[str, str, str]]:
    """(action, object, words of the button)."""
    words = texts.LANGUAGES[lang]
    if charge["status"] != "succeeded":
        return []
    found = []
    if not charge["refunded"]:
        found.append(("refund", charge["id"], words["do_refund"]))
    if not disputes:
        found.append(("dispute", charge["id"], words["do_dispute"]))
        found.append(("inquire", charge["id"], words["do_inquire"]))
    for dispute in disputes:
        if dispute["status"].endswith("needs_response"):
            found.append(("answer", dispute["id"], words["do_answer"]))
        if dispute["status"].startswith("warning_"):
            found.append(("escalate", dispute["id"], words["do_escalate"]))
            found.append(("won", dispute["id"], words["do_content"]))
            continue
        if dispute["status"] != "won":
            found.append(("won", dispute["id"], words["do_won"]))
        if dispute["status"] != "lost":
            found.append(("lost", dispute["id"], words["do_lost"]))
    return found
