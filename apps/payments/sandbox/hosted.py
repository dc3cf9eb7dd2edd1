"""The hosted page over HTTP: showing it, and what the payer pressed. Reached by the session's
unguessable id alone; a browser is believed only with the token of the form."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs

from apps.payments.sandbox import pages, texts
from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.replies import Reply, Request, html, redirect
from apps.payments.sandbox.wire import Json

_LATER = {"later": "succeeded", "later-fails": "failed"}


class Hosted:
    """Answers requests under /c/pay/."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = gateway.store
        self._secret = gateway.store.secret("form").encode()

    def token(self, session_id: str) -> str:
        """What the form of this session must bring along."""
        return hmac.new(self._secret, session_id.encode(), hashlib.sha256).hexdigest()[:32]

    def answer(self, request: Request, session_id: str) -> Reply:
        account = self.store.account_of("session", session_id)
        if account is None or request.method not in ("GET", "HEAD", "POST"):
            return html(404, pages.missing_page(texts.language(None, request.languages)))
        with self.store.work():
            session = self.gateway.session(account, session_id)
            lang = texts.language(session.get("locale"), request.languages)
            if request.method == "POST":
                return self._press(request, account, session, lang)
            return self._show(request, account, session, lang)

    def _show(self, request: Request, account: str, session: Json, lang: str) -> Reply:
        if session["status"] != "open":
            return html(200, pages.closed_page(session, lang))
        page = pages.payment_page(
            session,
            self.gateway.data_of(account, session["id"]),
            token=self.token(session["id"]),
            declined=request.query == "declined",
            lang=lang,
        )
        return html(200, page)

    def _press(self, request: Request, account: str, session: Json, lang: str) -> Reply:
        action = parse_qs(request.text()).get("action", [""])[0]
        if session["status"] == "complete" and action in ("pay", *_LATER):
            # A double click, or the page in another tab: nothing happens twice.
            return redirect(_success(session), pages.closed_page(session, lang))
        if session["status"] != "open":
            return html(200, pages.closed_page(session, lang))
        if not self.is_our_form(request, session["id"]):
            return html(403, pages.stale_page(session["id"], lang))
        return self._act(account, session["id"], action, lang)

    def is_our_form(self, request: Request, session_id: str) -> bool:
        """Browsers name an origin with every form; only scripts on this machine name none, and
        they could read the token as well."""
        token = parse_qs(request.query).get("form", [""])[0]
        right = hmac.compare_digest(token.encode(), self.token(session_id).encode())
        return right or not (token or request.header("Origin"))

    def _act(self, account: str, session_id: str, action: str, lang: str) -> Reply:
        if action == "decline":
            self.gateway.decline(account, session_id)
            return redirect(f"/c/pay/{session_id}?declined")
        if action == "pay":
            return redirect(_success(self.gateway.pay(account, session_id)))
        if action in _LATER:
            outcome = _LATER[action]
            return redirect(_success(self.gateway.pay_later(account, session_id, outcome=outcome)))
        return html(400, pages.stale_page(session_id, lang))


def _success(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
