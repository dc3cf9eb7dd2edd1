"""Whether a domain leads to this installation: asked over the network, as a visitor would.

We send a request for an address that only we can answer to the domain, on plain HTTP. The answer
is a signature of domain and challenge with our own key, so nobody else's server can give it, and
a server that repeats whatever it is asked cannot either. Redirects are not followed: the proxy in
front passes `/.well-known/homeroom/` through, as it does for certificates.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from kernel.errors import Unavailable

PLACE = "/.well-known/homeroom/"
SECONDS = 5.0
_LONGEST_ANSWER = 200


def answer_to(domain: str, challenge: str) -> str:
    """What the installation of this key answers."""
    return salted_hmac("tenants.domain", f"{domain}:{challenge}", algorithm="sha256").hexdigest()


def check_reaches_us(domain: str, challenge: str) -> None:
    """Returns when the domain leads here. Raises Unavailable that says what was found instead."""
    status, body = _ask(domain, PLACE + challenge)
    if status == http.client.OK and constant_time_compare(body, answer_to(domain, challenge)):
        return
    raise Unavailable(
        _(
            "%(domain)s answers, but not from this installation (status %(status)s). Point its "
            "DNS here, and let %(place)s pass without a redirect."
        )
        % {"domain": domain, "status": status, "place": PLACE},
        code="leads_elsewhere",
    )


def _ask(domain: str, path: str) -> tuple[int, str]:
    """The status and the first bytes of the answer. Connects to the address that was checked, so
    that a name cannot lead elsewhere at the second look."""
    port = int(settings.PUBLIC_PORT.lstrip(":") or 80)
    connection = http.client.HTTPConnection(_address_of(domain, port), port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers={"Host": f"{domain}{settings.PUBLIC_PORT}"})
        response = connection.getresponse()
        return response.status, response.read(_LONGEST_ANSWER).decode("ascii", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(
            _("%(domain)s does not answer on port %(port)d yet: %(error)s")
            % {"domain": domain, "port": port, "error": str(error) or type(error).__name__},
            code="no_answer",
        ) from error
    finally:
        connection.close()


def _address_of(domain: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(domain, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable(
            _("%(domain)s has no DNS record yet.") % {"domain": domain}, code="no_dns"
        ) from None
    address = str(found[0][4][0])
    if not ipaddress.ip_address(address).is_global and not settings.DOMAINS_MAY_BE_PRIVATE:
        raise Unavailable(
            _("%(domain)s leads to %(address)s, which is not a public address.")
            % {"domain": domain, "address": address},
            code="not_public",
        )
    return address
