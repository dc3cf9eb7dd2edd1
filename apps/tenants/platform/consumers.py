"""The operator console: stopping a consumer of events for a while, and letting it go on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.platform.shared import actor_of, post_only
from apps.tenants.services import outboxes
from apps.tenants.services.outboxes import PLATFORM, Outbox
from kernel.access import OPERATOR, access
from kernel.errors import Conflict, NotFound

REASON = 200  # letters


def consumer_frame(outbox: Outbox) -> dict[str, Any]:
    """Who is paused in this outbox, which is open, and who could be."""
    pauses = events.list_pauses()
    stopped = {pause.consumer for pause in pauses}
    return {
        "pauses": pauses,
        "consumers": [name for name in events.known_consumers() if name not in stopped],
        "pause_url": _address("pause_consumer", outbox),
        "resume_url": _address("resume_consumer", outbox),
        "reason_length": REASON,
    }


def _address(action: str, outbox: Outbox) -> str:
    if outbox.school_id == PLATFORM:
        return reverse(f"platform:platform_{action}")
    return reverse(f"platform:{action}", args=[outbox.school_id])


@access(OPERATOR)
@post_only
def pause_consumer(request: HttpRequest, school_id: int = PLATFORM) -> HttpResponse:
    consumer = request.POST.get("consumer", "")
    try:
        outboxes.pause_consumer(
            outbox=outboxes.get_outbox(school_id=school_id),
            consumer=consumer,
            reason=request.POST.get("reason", "").strip()[:REASON],
            actor=actor_of(request),
        )
    except (Conflict, NotFound) as error:
        messages.warning(request, error.message)
    else:
        text = _("%(consumer)s is paused. Its events wait.")
        messages.success(request, text % {"consumer": consumer})
    return redirect(request.path.removesuffix("pause/"))


@access(OPERATOR)
@post_only
def resume_consumer(request: HttpRequest, school_id: int = PLATFORM) -> HttpResponse:
    consumer = request.POST.get("consumer", "")
    try:
        waiting = outboxes.resume_consumer(
            outbox=outboxes.get_outbox(school_id=school_id),
            consumer=consumer,
            actor=actor_of(request),
        )
    except NotFound as error:
        messages.warning(request, error.message)
    else:
        text = _("%(consumer)s goes on. Events that waited for it: %(waiting)d.")
        messages.success(request, text % {"consumer": consumer, "waiting": waiting})
    return redirect(request.path.removesuffix("resume/"))
