"""The approval page over HTTP. Reached by the order's unguessable id alone; a browser is believed
only with the token of the form. Nothing is paid here: the payer agrees, and is sent back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from apps.payments.sandbox import pages as plain
from apps.payments.sandbox import texts
from apps.payments.sandbox.hosted import Hosted
from apps.payments.sandbox.paypal import pages
from apps.payments.sandbox.paypal.gateway import PayPal
from apps.payments.sandbox.paypal.wire import Json, PayPalError
from apps.payments.sandbox.replies import Reply, Request, html, redirect

_FUNDINGS = {
    "pay": "balance",
    "later": "pending",
    "later-fails": "pending-denied",
    "decline": "declined",
}


class Approval:
    """Answers requests under /paypal/checkoutnow."""

    def __init__(self, paypal: PayPal, hosted: Hosted) -> None:
        self.paypal = paypal
        self.hosted = hosted

    def answer(self, request: Request) -> Reply:
        lang = texts.language(None, request.languages)
        order_id = parse_qs(request.query).get("token", [""])[0]
        account = self.paypal.owner("order", order_id)
        try:
            if account is None or request.method not in ("GET", "HEAD", "POST"):
                raise PayPalError(404, "INVALID_RESOURCE_ID")
            with self.paypal.store.work():
                order = self.paypal.order(account, order_id)
                if request.method == "POST":
                    return self._press(request, account, order, lang)
                return self._show(account, order, lang)
        except PayPalError:
            return html(404, plain.missing_page(lang))

    def _show(self, account: str, order: Json, lang: str) -> Reply:
        data = self.paypal.data_of(account, order["id"])
        if order["status"] == "COMPLETED":
            return html(200, pages.closed_page(order, data, lang))
        token = self.hosted.token(order["id"])
        return html(200, pages.approval_page(order, data, token=token, lang=lang))

    def _press(self, request: Request, account: str, order: Json, lang: str) -> Reply:
        data = self.paypal.data_of(account, order["id"])
        if order["status"] == "COMPLETED":
            return html(200, pages.closed_page(order, data, lang))
        funding = _FUNDINGS.get(parse_qs(request.text()).get("action", [""])[0])
        ours = self.hosted.is_our_form(request, order["id"])
        if not ours or funding is None:
            return html(403 if not ours else 400, pages.stale_page(order["id"], lang))
        self.paypal.approve(account, order["id"], funding)
        return redirect(_back(data["return_url"], order["id"]))


def _back(address: str, order_id: str) -> str:
    """The school's page, with what PayPal adds to it; nothing of it may be believed there."""
    added = urlencode({"token": order_id, "PayerID": "TESTPAYER0000"})
    return f"{address}{'&' if '?' in address else '?'}{added}"
