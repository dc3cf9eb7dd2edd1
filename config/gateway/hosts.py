"""What depends on the host that a request came by: the primary address of a school, proof that a
domain leads here, and how long browsers are told to insist on TLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.security import SecurityMiddleware

from apps.tenants import facade as tenants
from config.gateway.closed import SETTLING, view_name

# A redirect that browsers keep for ever would outlive the next change of the primary address.
REDIRECT_SECONDS = 3600
# Callers of these would lose what they send, or speak to the host they were given.
STAYS = ("/api/", "/hooks/", "/theme.css")


def host_of(request: HttpRequest) -> str:
    """Lower case, without port and final dot; "" for a host that cannot be one."""
    try:
        return request.get_host().rsplit(":", 1)[0].lower().rstrip(".")
    except DisallowedHost:
        return ""


def to_primary(request: HttpRequest, school: Any, host: str) -> HttpResponseBase | None:
    """Reading a page on another address of the school leads to its primary one; None: stay."""
    if host == school.primary_host or request.method not in ("GET", "HEAD"):
        return None
    if request.path.startswith(STAYS) or view_name(request) in SETTLING:
        return None
    origin = f"{settings.PUBLIC_SCHEME}://{school.primary_host}{settings.PUBLIC_PORT}"
    headers = {"Cache-Control": f"max-age={REDIRECT_SECONDS}"}
    return HttpResponsePermanentRedirect(origin + request.get_full_path(), headers=headers)


class ChallengeMiddleware:
    """/.well-known/homeroom/<challenge>: shows that a domain leads to this installation.

    Stands before the redirect to TLS, since there is no certificate for the domain yet, and before
    the schools, since it leads to none yet.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(tenants.CHALLENGE_PLACE):
            return self.get_response(request)
        challenge = request.path.removeprefix(tenants.CHALLENGE_PLACE)
        answer = tenants.answer_challenge(host_of(request), challenge)
        return HttpResponse(
            answer or "",
            status=200 if answer else 404,
            content_type="text/plain; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )


class HostSecurityMiddleware(SecurityMiddleware):
    """Django's, which tells browsers to insist on TLS for all subdomains too. That is ours to say
    of our own domain; of a school's domain we know the one host only."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if self.sts_seconds and request.is_secure() and not _is_ours(host_of(request)):
            value = f"max-age={self.sts_seconds}"
            response.headers.setdefault("Strict-Transport-Security", value)
        return super().process_response(request, response)


def _is_ours(host: str) -> bool:
    return f".{host}".endswith(f".{settings.PLATFORM_DOMAIN}")
