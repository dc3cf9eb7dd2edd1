"""Taking one person out of accounts, sessions and the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from apps.identity.models import AuditEntry, SignInAttempt, User
from apps.identity.services import throttle

LIMITS_BY_EMAIL = (throttle.SIGN_IN_BY_EMAIL, throttle.RESET_BY_EMAIL)
# In this order: an entry about a guardian of a student is about the guardian.
SUBJECT_KEYS = ("guardian_id", "student_id", "user_id")


def sessions_of(ids: Iterable[UUID]) -> list[Session]:
    """Browsers that these people opened, by account or by a family link. Sessions name nobody in
    a column, so each one is read."""
    wanted = {str(key) for key in ids}
    if not wanted:
        return []
    store = SessionStore()
    return [
        row
        for row in Session.objects.iterator(chunk_size=1000)
        if any(key in json.dumps(store.decode(row.session_data)) for key in wanted)
    ]


def end_sessions(ids: Iterable[UUID]) -> int:
    """Delete them; returns how many there were."""
    keys = [row.session_key for row in sessions_of(ids)]
    return Session.objects.filter(session_key__in=keys).delete()[0]


def forget_attempts(emails: Iterable[str]) -> int:
    """Delete the counters of these addresses; returns how many there were."""
    keys = [throttle.key_for(limit, email) for limit in LIMITS_BY_EMAIL for email in emails]
    return SignInAttempt.objects.filter(key__in=keys).delete()[0]


def delete_users(user_ids: Iterable[UUID]) -> int:
    """The accounts with their roles, invitations, resets and tokens."""
    gone = User.objects.filter(pk__in=list(user_ids)).delete()[1]
    return int(gone.get(User._meta.label, 0))


def entries_about(emails: Iterable[str], ids: Iterable[UUID]) -> QuerySet[AuditEntry]:
    """Audit entries by or about a person."""
    keys, addresses = [str(key) for key in ids], list(emails)
    found = Q(actor__in=addresses) | Q(subject__in=addresses)
    for name in SUBJECT_KEYS:
        found |= Q(**{f"detail__{name}__in": keys})
    return AuditEntry.objects.filter(found)


def rename_in_audit(
    *, emails: tuple[str, ...], ids: tuple[UUID, ...], name: str, pseudonym: str
) -> int:
    """Put the pseudonym where entries name the person. Facts and times stay; the database lets
    nothing else be changed (migration 0003). Returns how many entries changed."""
    rows = entries_about(emails, ids)
    count = 0
    for entry in rows.iterator(chunk_size=500):
        changes = dict(_changes(entry, set(emails), {str(key) for key in ids}, name, pseudonym))
        if changes:
            # The model's own queryset refuses every update; this is the one that is meant.
            QuerySet(AuditEntry).filter(pk=entry.pk).update(**changes)
            count += 1
    return count


def _changes(
    entry: AuditEntry, emails: set[str], ids: set[str], name: str, pseudonym: str
) -> Iterator[tuple[str, Any]]:
    if entry.actor in emails:
        yield "actor", pseudonym
    if _names(entry, emails, ids):
        yield "subject", pseudonym
    detail = {
        key: pseudonym if _mentions(key, value, emails, name) else value
        for key, value in entry.detail.items()
    }
    if detail != entry.detail:
        yield "detail", detail


def _names(entry: AuditEntry, emails: set[str], ids: set[str]) -> bool:
    """Whether the subject is the person: by address, or because the entry's first key is theirs.
    A subject that is itself a key names nobody."""
    if entry.subject in emails:
        return True
    about = next((entry.detail[key] for key in SUBJECT_KEYS if key in entry.detail), None)
    return about in ids and not _is_key(entry.subject) and not entry.subject.startswith("erased-")


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _mentions(key: str, value: Any, emails: set[str], name: str) -> bool:
    if key in SUBJECT_KEYS:
        return False
    parts = value if isinstance(value, list) else [value]
    texts = [part for part in parts if isinstance(part, str)]
    return any(text == name or any(email in text for email in emails) for text in texts)


def delete_entries(keys: list[Any]) -> int:
    """Entries past their time. The database refuses those younger than two years."""
    return int(QuerySet(AuditEntry).filter(pk__in=keys)._raw_delete("default"))
