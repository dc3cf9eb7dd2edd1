"""The operator console: events that wait, fail or were given up on, in all schools and in one."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from apps.events import facade as events
from apps.events.facade import OutboxCount, OutboxStatus
from apps.tenants import selectors
from apps.tenants.platform.consumers import consumer_frame
from apps.tenants.platform.history import SENTENCES
from apps.tenants.platform.shared import SCHOOL_TABS, actor_of, post_only, school_frame
from apps.tenants.services import outboxes
from apps.tenants.services.outboxes import PLATFORM, Outbox, Totals
from kernel.access import OPERATOR, access
from kernel.errors import Conflict
from kernel.pages import paginate, query

HERE, PLATFORM_PAGE = "platform:school_events", "platform:platform_events"
SCHOOL_TABS.insert(-1, (gettext_lazy("Events"), HERE))
SENTENCES.update(
    {
        events.RETRIED: lambda detail: _("Event %(event)s put back for %(consumer)s") % detail,
        events.PAUSED: lambda detail: _("Consumer %(consumer)s paused") % detail,
        events.RESUMED: lambda detail: _("Consumer %(consumer)s goes on") % detail,
        events.REPLAYED: lambda detail: (
            _("History replayed (%(projection)s): %(put_right)s differences put right") % detail
        ),
        events.DISCARDED: lambda detail: _("Event %(event)s given up on for %(consumer)s") % detail,
    }
)
# Schools that a search looks into, and dead letters on a page.
SEARCHED, LETTERS = 25, 20
# In seconds; below the first an outbox is just busy.
SLOW, STUCK = 60, 600
_UNITS = ((2 * 86400, 86400), (2 * 3600, 3600), (120, 60), (0, 1))


@access(OPERATOR)
@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """Totals, and the outboxes that have something; with a search, those of its schools."""
    text = query(request)
    survey = outboxes.survey()
    chosen = outboxes.find_outboxes(text, limit=SEARCHED) if text else survey.busy()
    page = paginate(request, chosen)
    live = outboxes.look_at(page)
    totals = survey.totals(live)
    rows = [_row(outbox, live.get(outbox.schema_name)) for outbox in page]
    context = {
        "stats": _stats(totals, totals),
        "uncounted": totals.uncounted,
        "page": page,
        "rows": [row for row in rows if text or row["has_something"]],
        "q": text,
    }
    return render(request, "platform/events.html", context)


def _stats(stand: Totals | OutboxStatus, handled: Totals | OutboxCount) -> list[dict[str, Any]]:
    """Figures of all outboxes or of one, which keeps what it handled beside how it stands."""
    parked = {
        "label": _("Parked"),
        "value": stand.parked,
        "hint": _("for consumers that are paused"),
    }
    late = stand.pending and stand.oldest_seconds >= STUCK
    return [
        {"label": _("Waiting"), "value": stand.pending},
        {
            "label": _("Oldest"),
            "value": age(stand.oldest_seconds) if stand.pending else "–",
            "tone": "bad" if late else "",
        },
        {"label": _("Failing"), "value": stand.retrying, "hint": _("will be tried again")},
        {"label": _("Calls"), "value": stand.deliveries, "hint": _("to the outside")},
        *([parked] if stand.parked else []),
        {
            "label": _("Dead letters"),
            "value": stand.dead_letters,
            "tone": "bad" if stand.dead_letters else "",
        },
        {
            "label": _("Handled in 1 h"),
            "value": handled.handled_hour,
            "hint": _("%(number)d in 1 min") % {"number": handled.handled_minute},
        },
    ]


def _row(outbox: Outbox, count: OutboxCount | None) -> dict[str, Any]:
    stand = count.status if count else None
    return {
        "name": outbox.name,
        "url": url_of(outbox.school_id),
        "count": count,
        "stand": stand,
        "age": age(stand.oldest_seconds) if stand and stand.pending else "",
        "age_tone": _age_tone(stand.oldest_seconds) if stand else "",
        "has_something": stand is None
        or bool(stand.pending or stand.deliveries or stand.parked or stand.dead_letters),
    }


def url_of(school_id: int) -> str:
    """The page of a school's events, or of the platform's own."""
    return reverse(PLATFORM_PAGE) if school_id == PLATFORM else reverse(HERE, args=[school_id])


def age(seconds: float) -> str:
    """How long something waits, in one number: 40 s, 12 min, 3 h, 5 d."""
    words = {1: _("%(n)d s"), 60: _("%(n)d min"), 3600: _("%(n)d h"), 86400: _("%(n)d d")}
    unit = next(unit for at_least, unit in _UNITS if seconds >= at_least)
    return words[unit] % {"n": seconds // unit}


def _age_tone(seconds: float) -> str:
    return "bad" if seconds >= STUCK else "warn" if seconds >= SLOW else "muted"


@access(OPERATOR)
@require_safe
def school_events(request: HttpRequest, school_id: int) -> HttpResponse:
    frame = school_frame(selectors.get_school(school_id=school_id), HERE)
    return _outbox_page(request, school_id, "platform/school_events.html", frame)


@access(OPERATOR)
@require_safe
def platform_events(request: HttpRequest) -> HttpResponse:
    return _outbox_page(request, PLATFORM, "platform/platform_events.html", {})


def _outbox_page(
    request: HttpRequest, school_id: int, template: str, frame: dict[str, Any]
) -> HttpResponse:
    outbox = outboxes.get_outbox(school_id=school_id)
    count = events.look_at_outbox(outbox.schema_name)
    page = paginate(request, range(count.status.dead_letters), per_page=LETTERS)
    with outbox.opened():
        failing = events.list_failing()
        letters = events.list_dead_letters(limit=LETTERS, offset=max(page.start_index() - 1, 0))
        consumers = consumer_frame(outbox)
    context = {
        **frame,
        **consumers,
        "stats": _stats(count.status, count),
        "page": page,
        "letters": [_letter(outbox, letter) for letter in letters],
        "failing": [{"event": row, **_told(row)} for row in failing],
    }
    return render(request, template, context)


def _letter(outbox: Outbox, letter: events.DeadLetterInfo) -> dict[str, Any]:
    place = [outbox.school_id, letter.id] if outbox.school_id else [letter.id]
    prefix = "platform:" if outbox.school_id else "platform:platform_"
    return {
        "event": letter,
        **_told(letter),
        "retry_url": reverse(f"{prefix}retry_letter", args=place),
        "discard_url": reverse(f"{prefix}discard_letter", args=place),
    }


def _told(row: events.DeadLetterInfo | events.FailingInfo) -> dict[str, Any]:
    return {
        "trace_id": row.headers.get("trace_id", ""),
        "actor": row.headers.get("actor", ""),
        "payload": json.dumps(dict(row.payload), indent=2, ensure_ascii=False),
    }


@access(OPERATOR)
@post_only
def retry_letter(request: HttpRequest, letter_id: int, school_id: int = PLATFORM) -> HttpResponse:
    outbox = outboxes.get_outbox(school_id=school_id)
    try:
        outboxes.retry_letter(outbox=outbox, letter_id=letter_id, actor=actor_of(request))
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The event is back in the outbox and will be tried now."))
    return redirect(url_of(school_id))


@access(OPERATOR)
@post_only
def discard_letter(request: HttpRequest, letter_id: int, school_id: int = PLATFORM) -> HttpResponse:
    outbox = outboxes.get_outbox(school_id=school_id)
    try:
        outboxes.discard_letter(outbox=outbox, letter_id=letter_id, actor=actor_of(request))
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The event is given up on for this consumer."))
    return redirect(url_of(school_id))
