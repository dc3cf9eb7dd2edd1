"""Writing the audit trail."""

from typing import Any

from structlog.contextvars import get_contextvars

from apps.identity.models import AuditEntry


def record(
    *, actor: str, action: str, subject: str = "", detail: dict[str, Any] | None = None
) -> None:
    """Append one entry to the open school's audit trail.

    `actor` is an e-mail address or a name such as "system"; `action` is "<app>.<past_tense>".
    The trace id of the running request or task is added.
    """
    AuditEntry.objects.create(
        actor=actor[:254],
        action=action,
        subject=subject[:254],
        detail=detail or {},
        trace_id=str(get_contextvars().get("trace_id", ""))[:64],
    )
