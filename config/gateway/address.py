"""The client's address when proxies stand in front.

Each proxy appends the address it heard from to X-Forwarded-For, so only the last
TRUSTED_PROXIES entries were written by proxies of ours; what stands before them is the client's
own claim. Without proxies (0, the default) the header is not read at all.
"""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class ClientAddressMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.TRUSTED_PROXIES:
            forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
            if address := client_address(forwarded, settings.TRUSTED_PROXIES):
                request.META["REMOTE_ADDR"] = address
        return self.get_response(request)


def client_address(forwarded: str, proxies: int) -> str:
    """The entry that our outermost proxy wrote; "" when there are fewer, or it is no address."""
    entries = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
    if len(entries) < proxies:
        return ""
    try:
        return str(ip_address(entries[-proxies]))
    except ValueError:
        return ""
