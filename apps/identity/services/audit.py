"""Writing the audit trail, and reading it for other apps."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from structlog.contextvars import get_contextvars

from apps.identity.contracts import AuditInfo
from apps.identity.models import AuditEntry
from apps.identity.services.audit_words import detail_lines, sentence_of

CHUNK = 500


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


def entries(
    *,
    prefixes: Iterable[str],
    actor: str = "",
    subject: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
    below: UUID | None = None,
) -> Iterator[AuditInfo]:
    """Entries whose action begins with one of `prefixes`, newest first; read while the school is
    open. `since` is included, `before` not; `below`: only what is older than this entry."""
    kinds = Q()
    for prefix in prefixes:
        kinds |= Q(action__startswith=prefix)
    limits = {
        "actor__icontains": actor or None,
        "subject": subject or None,
        "at__gte": since,
        "at__lt": before,
        "id__lt": below,
    }
    rows = AuditEntry.objects.filter(kinds).order_by("-id")
    rows = rows.filter(**{name: value for name, value in limits.items() if value is not None})
    return map(_info, rows.iterator(chunk_size=CHUNK))


def _info(entry: AuditEntry) -> AuditInfo:
    return AuditInfo(
        id=entry.pk,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        words=sentence_of(entry.action),
        details=tuple(detail_lines(entry.detail)),
        trace_id=entry.trace_id,
    )
