"""Reading one's own writes: for a few seconds after a change its author reads from the primary.

The change is remembered in a signed cookie of the browser that made it. READ_OWN_WRITES must be
longer than REPLICA_MAX_LAG: when the time is over, a standby that may be read from has the change.
"""

from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from kernel import replica

COOKIE = "wrote"
_signer = signing.TimestampSigner(salt="homeroom.wrote")
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


class ReplicaMiddleware:
    """Only in front of an installation with a replica; see config/settings/base.py."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        changes = request.method not in SAFE
        replica.begin(on_primary=changes or wrote_lately(request))
        response = self.get_response(request)
        if changes or replica.has_written():
            _remember(response)
        return response


def wrote_lately(request: HttpRequest) -> bool:
    try:
        _signer.unsign(request.COOKIES.get(COOKIE, ""), max_age=settings.READ_OWN_WRITES)
    except signing.BadSignature:
        return False
    return True


def _remember(response: HttpResponseBase) -> None:
    response.set_cookie(  # type: ignore[attr-defined]
        COOKIE,
        _signer.sign("1"),
        max_age=settings.READ_OWN_WRITES,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
