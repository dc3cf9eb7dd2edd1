"""The package's Api object, made safe to depend on. One object a school's account: the package's
own default is one for the whole process and would send a school's money to another's account.

What the package does, and this does not: wait for ever; ask again without end on 401; hand a 400
back as if it were an answer; follow redirects; send the caller's headers along for the token;
send `null` with a GET; write secrets and tokens to the log; fall over on "/" at the end of an
address. Every call ends after DEADLINE_SECONDS, however slowly an answer drips in.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import paypalrestsdk
import requests
import urllib3
from django.utils.translation import gettext_noop
from paypalrestsdk import exceptions

from apps.payments.providers.base import (
    Credentials,
    Declined,
    Gone,
    Invalid,
    ProviderError,
    Retryable,
    Unknown,
)

Json = dict[str, Any]
LIVE, SANDBOX = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"
TIMEOUT_SECONDS = (2, 10)
DEADLINE_SECONDS = 12
# A token that ends within a minute would end on the way.
TOKEN_SKEW_SECONDS = 60
MAX_ANSWER_BYTES = 20_000_000
_KEY_REUSED = ("DUPLICATE_REQUEST_ID", "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
_UNREACHABLE = gettext_noop("The gateway cannot be reached.")
_NO_ANSWER = gettext_noop("The gateway did not answer in time.")
_REFUSED = gettext_noop("The gateway refused the key.")
_BROKEN = gettext_noop("The gateway had an internal error.")
_BUSY = gettext_noop("The gateway is busy.")
logger = logging.getLogger(__name__)


class Api(paypalrestsdk.Api):
    """One school's account. Raises the errors of providers/base.py from `call`."""

    token_hash: Json | None

    def __init__(self, credentials: Credentials) -> None:
        base = (credentials.api_base or (LIVE if credentials.live else SANDBOX)).rstrip("/")
        super().__init__(
            mode="live" if credentials.live else "sandbox",
            endpoint=base,
            token_endpoint=base,
            client_id=credentials.client_id,
            client_secret=credentials.secret_key,
        )
        self.options: Json = {}  # the package keeps the secret there once more
        self._token_until = 0.0
        self._token_lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = not credentials.loopback
        # Without an auth of our own, requests lets a .netrc replace the Authorization header.
        self._session.auth = lambda request: request

    def call(
        self, method: str, path: str, body: Json | bytes | None = None, *, key: str = ""
    ) -> Json:
        """The answer to one request; `body` in bytes is sent as it is. `key`: PayPal-Request-Id.

        Raises Declined, Gone, Invalid, Retryable, Unknown.
        """
        headers = {"Prefer": "return=representation"}
        if key:
            headers["PayPal-Request-Id"] = key
        with _translated_errors():
            answer = self.request(f"{self.endpoint}/{path}", method, body, headers)
        if not isinstance(answer, dict):
            raise Unknown(_BROKEN, code="gateway_error")
        return answer

    def request(
        self,
        url: str,
        method: str,
        body: Any = None,
        headers: Any = None,
        refresh_token: Any = None,
    ) -> Any:
        """As in the package; a token that is refused is fetched again once, and a 400 raises."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        token = self.get_token_hash()
        try:
            return self.http_call(url, method, data=data, headers=_headers(token, headers))
        except exceptions.UnauthorizedAccess:
            self._forget(token)
        token = self.get_token_hash()
        return self.http_call(url, method, data=data, headers=_headers(token, headers))

    def get_token_hash(
        self, authorization_code: Any = None, refresh_token: Any = None, headers: Any = None
    ) -> Json:
        """The account's token; one thread fetches it for all. No header of the call goes along."""
        if not self._token_lock.acquire(timeout=DEADLINE_SECONDS):
            raise Retryable(_UNREACHABLE, code="unreachable")
        try:
            if self.token_hash is None or time.monotonic() >= self._token_until:
                self.token_hash = self._fetch_token()
            return dict(self.token_hash)
        finally:
            self._token_lock.release()

    def _fetch_token(self) -> Json:
        """Raises Retryable for anything but a refusal: without a token nothing was asked for."""
        headers = {
            "Authorization": f"Basic {self.basic_auth()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        url = f"{self.token_endpoint}/v1/oauth2/token"
        try:
            with _translated_errors():
                token = self.http_call(
                    url, "POST", data=b"grant_type=client_credentials", headers=headers
                )
                life = float(token["expires_in"])
        except (Unknown, KeyError, TypeError) as error:
            raise Retryable(_UNREACHABLE, code="unreachable") from error
        self._token_until = time.monotonic() + life - TOKEN_SKEW_SECONDS
        return dict(token)

    def _forget(self, token: Json) -> None:
        with self._token_lock:
            if self.token_hash == token:
                self.token_hash = None

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        """One request and its answer. The log gets method, path and status, and nothing else."""
        ends = time.monotonic() + DEADLINE_SECONDS
        with self._session.request(
            method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True, **kwargs
        ) as response:
            content = _read(response, ends)
        logger.debug("%s %s: %d", method, urlsplit(url).path, response.status_code)
        return self.handle_response(response, content)


def _headers(token: Json, more: Any) -> dict[str, str]:
    return {
        "Authorization": f"{token['token_type']} {token['access_token']}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": paypalrestsdk.Api.user_agent,
        **(more or {}),
    }


def _read(response: requests.Response, ends: float) -> str:
    """The body, as long as it comes in time: the package's timeout begins anew with every byte."""
    body = bytearray()
    while piece := response.raw.read1(65_536, decode_content=True):
        body += piece
        if time.monotonic() > ends or len(body) > MAX_ANSWER_BYTES:
            raise requests.ReadTimeout("the answer takes too long")
    return body.decode()


@contextmanager
def _translated_errors() -> Iterator[None]:
    """The package's exceptions as ours. They hold whole answers: none is put into a message."""
    try:
        yield
    except exceptions.ConnectionError as error:
        raise _refusal(error) from None
    except requests.RequestException as error:
        if _never_sent(error):
            raise Retryable(_UNREACHABLE, code="unreachable") from None
        raise Unknown(_NO_ANSWER, code="timeout") from None
    except urllib3.exceptions.HTTPError:
        raise Unknown(_NO_ANSWER, code="timeout") from None
    except (ValueError, RecursionError):
        # A page of a proxy, or half an answer, behind a status of success.
        raise Unknown(_BROKEN, code="gateway_error") from None


def _refusal(error: exceptions.ConnectionError) -> ProviderError:
    """By status. Whatever is no clear refusal may have been carried out."""
    status = error.response.status_code
    issue, told = _issue(error.content)
    if status in (401, 403):
        return Invalid(_REFUSED, code="authentication")
    if status == 404:
        return Gone(gettext_noop("The gateway does not know this payment."), code=issue)
    if status == 429:
        return Retryable(_BUSY, code="rate_limit")
    if status == 422 and issue not in _KEY_REUSED:
        return Declined(told, code=issue)
    if status in (400, 405, 406, 415, 422):
        return Invalid(told, code=issue)
    return Unknown(_BROKEN, code="gateway_error")


def _issue(content: str) -> tuple[str, str]:
    """PayPal's name for what is wrong, and its sentence about it."""
    try:
        answer = json.loads(content)
        detail = (answer.get("details") or [{}])[0]
        issue = detail.get("issue") or answer.get("name") or ""
        told = detail.get("description") or answer.get("message") or issue
    except (ValueError, AttributeError, LookupError, RecursionError):
        issue, told = "", ""
    return str(issue)[:60], str(told or _BROKEN)[:300]


def _never_sent(error: requests.RequestException) -> bool:
    """True when the connection itself failed, so that the gateway cannot have acted."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(error, requests.ConnectionError) and isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )
