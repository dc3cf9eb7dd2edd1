"""Running one handler for one event."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from apps.events.contracts import Delivery
from apps.events.models import ExternalDelivery, OutboxEvent, ParkedEvent
from apps.events.selectors.schemas import current_schema
from apps.events.services.circumstances import caused_by
from apps.events.services.registry import HandlerSpec, registry

Row = OutboxEvent | ExternalDelivery | ParkedEvent


def run(spec: HandlerSpec, row: Row, attempt: int) -> None:
    """Call the handler; what it raises is the caller's to judge. Logs carry the trace."""
    delivery = _delivery(row, attempt)
    context = _log_context(spec, delivery)
    with structlog.contextvars.bound_contextvars(**context), caused_by(row.event_id):
        spec.call([delivery] if spec.batch else delivery)


def run_together(spec: HandlerSpec, rows: Sequence[Row]) -> None:
    """Call a handler of batches. What it publishes has no single event as its cause."""
    with structlog.contextvars.bound_contextvars(consumer=spec.consumer, events=len(rows)):
        spec.call([_delivery(row, row.attempts + 1) for row in rows])


def describe(error: Exception) -> str:
    """An error as it is kept beside the event: its type and text, cut to a readable length."""
    return f"{type(error).__name__}: {error}"[:2000]


def _delivery(row: Row, attempt: int) -> Delivery:
    headers: dict[str, Any] = row.headers or {}
    return Delivery(
        event=registry().decode(row.event_type, row.version, row.payload),
        event_id=row.event_id,
        event_type=row.event_type,
        version=row.version,
        stream_type=row.stream_type,
        stream_id=row.stream_id,
        occurred_at=row.occurred_at,
        schema_name=current_schema(),
        actor=str(headers.get("actor", "")),
        trace_id=str(headers.get("trace_id", "")),
        attempt=attempt,
        caused_by=UUID(headers["caused_by"]) if "caused_by" in headers else None,
    )


def _log_context(spec: HandlerSpec, delivery: Delivery) -> dict[str, str]:
    context = {"event_id": str(delivery.event_id), "consumer": spec.consumer}
    if delivery.trace_id:
        context["trace_id"] = delivery.trace_id
    return context
