"""Every money action with who, what, when, why and its trace: the stored events of payments, and
what staff did as the audit trail tells it. Both are append-only in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from apps.events import facade as event_store
from apps.identity import facade as identity
from apps.identity.contracts import AuditInfo
from apps.payments import models
from apps.payments.contracts import MoneyAction
from apps.payments.selectors import start_of_day
from apps.payments.services import timeline

PAGE = 50
# Words of events are looked up for so many at once.
BATCH = 200
# Whose actions in the audit trail move money, or decide how it moves.
STAFF_ACTIONS = ("payments.", "fees.")
EVENTS = "payments."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which actions: by part of who acted, by payment, and by days of the school (included)."""

    who: str = ""
    payment_id: UUID | None = None
    since: date | None = None
    until: date | None = None

    @property
    def span(self) -> dict[str, datetime | None]:
        end = self.until and self.until + timedelta(days=1)
        return {
            "since": start_of_day(self.since) if self.since else None,
            "before": start_of_day(end) if end else None,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the last event and the last entry of the trail that were shown."""

    event: int | None = None
    entry: UUID | None = None

    def __str__(self) -> str:
        return f"{self.event or ''}.{self.entry or ''}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """The beginning for what is no place."""
        event, _dot, entry = text.partition(".")
        try:
            return cls(int(event[:18]) if event else None, UUID(entry) if entry else None)
        except ValueError:
            return cls()


@dataclass(frozen=True, slots=True)
class _Line:
    action: MoneyAction
    number: int | UUID


def page(wanted: Wanted, *, after: Place) -> tuple[list[MoneyAction], Place | None]:
    """The next actions after a place, newest first, and where to go on; None at the end."""
    lines = list(islice(_lines(wanted, after), PAGE + 1))
    shown = lines[:PAGE]
    place = after
    for line in shown:
        if isinstance(line.number, int):
            place = Place(line.number, place.entry)
        else:
            place = Place(place.event, line.number)
    return [line.action for line in shown], place if len(lines) > PAGE else None


def everything(wanted: Wanted, *, limit: int) -> Iterator[MoneyAction]:
    """All of them, newest first; read while the school is open."""
    return (line.action for line in islice(_lines(wanted, Place()), limit))


def _lines(wanted: Wanted, after: Place) -> Iterator[_Line]:
    return merge(
        _events(wanted, after.event),
        _entries(wanted, after.entry),
        key=lambda line: line.action.at,
        reverse=True,
    )


def _events(wanted: Wanted, below: int | None) -> Iterator[_Line]:
    stored = event_store.history(
        prefix=EVENTS, actor=wanted.who, stream_id=wanted.payment_id, below=below, **wanted.span
    )
    while some := list(islice(stored, BATCH)):
        yield from _told(some)


def _told(stored: Sequence[event_store.HistoryEntry]) -> Iterator[_Line]:
    payments = models.Payment.objects.in_bulk({each.stream_id for each in stored})
    about = (getattr(each.event, "refund_id", None) for each in stored)
    rows = models.Refund.objects.filter(pk__in={key for key in about if key})
    refunds = {row.pk: row for row in rows}
    for each in stored:
        yield _Line(_event_action(each, payments.get(each.stream_id), refunds), each.number)


def _event_action(
    stored: event_store.HistoryEntry,
    payment: models.Payment | None,
    refunds: dict[UUID, models.Refund],
) -> MoneyAction:
    what, why, _tone = stored.event_type, "", ""
    if payment is not None and stored.event is not None:
        what, why, _tone = timeline.words(stored.event, payment, refunds)
    return MoneyAction(
        at=stored.occurred_at,
        actor=str(stored.metadata.get("actor", "")),
        what=what,
        why=timeline.with_reason(why, stored.metadata),
        trace_id=str(stored.metadata.get("trace_id", "")),
        code=stored.event_type,
        subject=payment.payer_name if payment else "",
        payment_id=payment.pk if payment else None,
    )


def _entries(wanted: Wanted, below: UUID | None) -> Iterator[_Line]:
    found = identity.audit_entries(
        prefixes=STAFF_ACTIONS,
        actor=wanted.who,
        subject=str(wanted.payment_id or ""),
        below=below,
        **wanted.span,
    )
    return (_Line(_entry_action(entry), entry.id) for entry in found)


def _entry_action(entry: AuditInfo) -> MoneyAction:
    payment_id = _uuid(entry.subject)
    return MoneyAction(
        at=entry.at,
        actor=entry.actor,
        what=entry.words,
        why=" · ".join(f"{name}: {value}" for name, value in entry.details),
        trace_id=entry.trace_id,
        code=entry.action,
        subject="" if payment_id else entry.subject,
        payment_id=payment_id if entry.action in _ABOUT_PAYMENTS else None,
    )


# Entries of the trail whose subject is the key of a payment.
_ABOUT_PAYMENTS = frozenset({"fees.payment_recorded", "fees.refund_requested"})


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
