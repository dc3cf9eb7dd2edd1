"""Whose family page it is: the guardian of an opened link, or the guardian who signed in.

Views below are PUBLIC to the gateway, because no account is needed; this decorator is what lets a
reader in, and it hands the view one guardian's id and nothing else.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from apps.fees.preferences import FAMILY_LINK
from apps.fees.services import links
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.access import PUBLIC, access
from kernel.errors import NotFound

SESSION_KEY = "family"
OPEN_FOR = timedelta(hours=12)  # on a shared computer the page closes by itself

View = Callable[..., HttpResponseBase]


def remember(request: HttpRequest, link: Any) -> None:
    """Keep the opened link in the session, under a new session key, so that the token can leave
    the address. Somebody else's earlier visit in this browser is forgotten."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = {
        "link_id": str(link.id),
        "guardian_id": str(link.guardian_id),
        "opened_at": timezone.now().isoformat(),
    }


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def guardian_of(request: HttpRequest) -> GuardianInfo | None:
    """The guardian who reads, or None. Asks the link again each time: revoking works at once."""
    opened = request.session.get(SESSION_KEY)
    if opened and (found := _by_link(opened)):
        return found
    if not request.user.is_authenticated or request.user.id is None:
        return None
    return students.guardian_of_user(request.user.id)


def _by_link(opened: dict[str, str]) -> GuardianInfo | None:
    if datetime.fromisoformat(opened["opened_at"]) < timezone.now() - OPEN_FOR:
        return None
    try:
        link = links.standing_link(link_id=UUID(opened["link_id"]))
        return students.get_guardian(link.guardian_id)
    except (links.LinkRefused, NotFound):
        return None


def for_guardian(view: View) -> View:
    """Let a guardian in, as `view(request, guardian, …)`; show the way in to anybody else."""

    @access(PUBLIC)
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        guardian = guardian_of(request)
        if guardian is None:
            return way_in(request)
        response = view(request, guardian, *args, **kwargs)
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return inner


def way_in(request: HttpRequest, *, refused: bool = False) -> HttpResponseBase:
    """The page for somebody without a link that works."""
    if not FAMILY_LINK.is_on:
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "")
    context = {"refused": refused}
    response: HttpResponseBase = render(request, "fees/family/way_in.html", context, status=403)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response
