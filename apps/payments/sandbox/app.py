"""The sandbox gateway as a WSGI application: the API, the hosted page, the controls."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.payments.sandbox import pages, texts
from apps.payments.sandbox.api import Api
from apps.payments.sandbox.control import Control
from apps.payments.sandbox.delivery import Courier, Transport, post
from apps.payments.sandbox.faults import Faults
from apps.payments.sandbox.gateway import Behaviour, Gateway
from apps.payments.sandbox.hosted import Hosted
from apps.payments.sandbox.paypal.api import PayPalApi
from apps.payments.sandbox.paypal.hosted import Approval
from apps.payments.sandbox.replies import Reply, Request, broken, html, json_reply
from apps.payments.sandbox.server import serve
from apps.payments.sandbox.store import Store
from apps.payments.sandbox.wire import WireError

__all__ = ["SandboxApp", "serve"]

_REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class SandboxApp:
    """The whole gateway over one database file. `close()` it when done."""

    def __init__(
        self,
        path: Path | str,
        *,
        behaviour: Behaviour | None = None,
        transport: Transport = post,
    ) -> None:
        self.store = Store(path)
        self.gateway = Gateway(self.store, behaviour)
        self.api = Api(self.gateway)
        self.hosted = Hosted(self.gateway)
        self.paypal_api = PayPalApi(self.gateway.paypal)
        self.approval = Approval(self.gateway.paypal, self.hosted)
        self.faults = Faults()
        self.control = Control(self.gateway, self.faults)
        self.courier = Courier(self.gateway, transport=transport)

    def close(self) -> None:
        self.faults.clear()
        self.courier.stop()
        self.store.close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        try:
            status, headers, body = self._answer(request)
        except WireError as error:
            status, headers, body = json_reply(error.status, error.body)
        except Exception:
            # The place in the code, never the request: it may hold a key.
            print(traceback.format_exc(limit=-3), file=sys.stderr, flush=True)
            status, headers, body = broken(500)
        headers.append(("Content-Length", str(len(body))))
        start_response(f"{status} {_REASONS.get(status, 'Error')}", headers)
        return [] if request.method == "HEAD" else [body]

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/v1/"):
            return self._api(request)
        if request.path.startswith("/c/pay/"):
            return self.hosted.answer(request, request.path.removeprefix("/c/pay/").strip("/"))
        if request.path == "/paypal/checkoutnow":
            return self.approval.answer(request)
        if request.path.startswith("/paypal/"):
            return self._paypal(request)
        if request.path.startswith("/_control/"):
            return self.control.answer(request)
        lang = texts.language(None, request.languages)
        if request.path == "/":
            return html(200, pages.home_page(lang))
        if request.path == "/c/style.css":
            return 200, [("Content-Type", "text/css; charset=utf-8")], pages.STYLE.encode()
        if request.path == "/healthz":
            return json_reply(200, {"status": "ok"})
        return html(404, pages.missing_page(lang))

    def _paypal(self, request: Request) -> Reply:
        failure = self.faults.before(request.path)
        if failure is not None:
            return broken(failure)
        path, base = request.path.removeprefix("/paypal"), f"http://{request.host}/paypal"
        reply = self.paypal_api.answer(request, path, base)
        return broken(500) if self.faults.loses(request.path) else reply

    def _api(self, request: Request) -> Reply:
        failure = self.faults.before(request.path)
        if failure is not None:
            return broken(failure)
        text = request.text() if request.method == "POST" else request.query
        headers = {
            "authorization": request.header("Authorization"),
            "idempotency-key": request.header("Idempotency-Key"),
            "stripe-account": request.header("Stripe-Account"),
        }
        base = f"http://{request.host}"
        status, answer, replayed = self.api.answer(
            request.method, request.path, text, headers, base
        )
        if self.faults.loses(request.path):
            return broken(500)
        reply = json_reply(status, answer)
        if replayed:
            reply[1].append(("Idempotent-Replayed", "true"))
        return reply
