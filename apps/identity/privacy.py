"""What accounts and the audit trail hold about a person, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.identity import roles as role_book
from apps.identity.models import (
    AuditEntry,
    Invitation,
    PasswordReset,
    RefreshToken,
    Role,
    RoleAssignment,
    SignInAttempt,
    User,
)
from apps.identity.services import accounts
from apps.identity.services import privacy as service
from apps.identity.services.audit_words import sentence_of
from apps.tenants.facade import privacy
from kernel.errors import Conflict

YEAR = 365

privacy.not_exported(
    {
        SignInAttempt: "counters under a hash of the address; nothing of them is readable",
        RefreshToken: "secrets of API clients; when they were made is in the audit trail",
        PasswordReset: "one-time secrets; when they were asked for is in the audit trail",
    }
)


@privacy.finds_people
def find_accounts(query: privacy.PersonQuery) -> Iterator[privacy.Person]:
    rows = User.objects.none()
    if query.email:
        rows = User.objects.filter(email=query.email.strip().lower())
    elif key := _uuid(query.user):
        rows = User.objects.filter(pk=key)
    for user in rows:
        yield privacy.Person(
            kind=privacy.USER, name=user.name, user_ids=(user.pk,), emails=(user.email,)
        )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@privacy.collects(User, RoleAssignment)
def export_accounts(person: privacy.Person) -> Iterator[privacy.Section]:
    users = User.objects.with_roles().filter(pk__in=person.user_ids)
    yield privacy.Section(
        name="identity.accounts",
        title=_("Account"),
        columns={
            "email": _("E-mail"),
            "name": _("Name"),
            "roles": _("Roles"),
            "language": _("Language"),
            "is_active": _("May sign in"),
            "created_at": _("Created"),
            "last_login": _("Last sign-in"),
        },
        rows=tuple(_account(user) for user in users),
        note=_("The password is stored as a one-way hash and is left out."),
    )


def _account(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "roles": ", ".join(str(Role(role).label) for role in sorted(user.roles)),
        "language": user.language,
        "is_active": user.is_active,
        "created_at": user.created_at,
        "last_login": user.last_login,
    }


@privacy.collects(Session)
def export_sessions(person: privacy.Person) -> Iterator[privacy.Section]:
    yield privacy.Section(
        name="identity.sessions",
        title=_("Signed in"),
        columns={"until": _("Until")},
        rows=tuple({"until": s.expire_date} for s in service.sessions_of(person.ids)),
    )


@privacy.collects(Invitation)
def export_invitations(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = Invitation.objects.filter(user__in=person.user_ids)
    keys = ("created_at", "expires_at", "accepted_at", "revoked_at")
    yield privacy.Section(
        name="identity.invitations",
        title=_("Invitations"),
        columns=dict(
            zip(keys, (_("Sent"), _("Expires"), _("Accepted"), _("Withdrawn")), strict=True)
        ),
        rows=tuple({key: getattr(row, key) for key in keys} for row in rows),
    )


@privacy.collects(AuditEntry)
def export_audit(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = service.entries_about(person.emails, person.ids)
    own = set(person.emails)
    yield privacy.Section(
        name="identity.audit",
        title=_("What was done by or about this person"),
        columns={"at": _("When"), "by": _("Who"), "action": _("Code"), "what": _("What")},
        rows=tuple(_entry(row, own) for row in rows),
        note=_("Staff are not named: what they did is theirs. “This person” is the one asked for."),
    )


def _entry(row: AuditEntry, own: set[str]) -> dict[str, Any]:
    by = _("This person") if row.actor in own else _("The school")
    return {"at": row.at, "by": by, "action": row.action, "what": sentence_of(row.action)}


@privacy.objects_to_erasure
def staff_stand(person: privacy.Person) -> Iterable[str]:
    """Somebody who still works here is deactivated first; the last admin not at all."""
    for user in User.objects.with_roles().filter(pk__in=person.user_ids, is_active=True):
        if user.has_role(*role_book.STAFF_ROLES):
            text = _("%(name)s has a staff account: deactivate it first.")
            yield text % {"name": user.name or user.email}
        if user.has_role(role_book.ADMIN):
            yield from _last_admin(user)


def _last_admin(user: User) -> Iterator[str]:
    try:
        accounts.check_another_admin(user)
    except Conflict as refusal:
        yield str(refusal)


@privacy.erases(
    User,
    RoleAssignment,
    Invitation,
    PasswordReset,
    RefreshToken,
    SignInAttempt,
    Session,
    AuditEntry,
)
def erase_account(work: privacy.Erasing) -> None:
    person = work.person
    work.removed(_("Sign-ins"), service.end_sessions(person.ids))
    work.removed(_("Counters of sign-in attempts"), service.forget_attempts(person.emails))
    work.removed(
        _("Accounts with roles, invitations and tokens"), service.delete_users(person.user_ids)
    )
    renamed = service.rename_in_audit(
        emails=person.emails, ids=person.ids, name=person.name, pseudonym=work.pseudonym
    )
    work.stays(
        _("Audit entries, under the pseudonym %(pseudonym)s") % {"pseudonym": work.pseudonym},
        _("Who did what must stay provable. The name is replaced; the entries go in their time."),
        count=renamed,
    )


# Retention --------------------------------------------------------------------------------------


@privacy.retention_rule(
    "identity.sessions",
    title=gettext_lazy("Expired sign-ins"),
    why=gettext_lazy("They open nothing any more."),
    keep_days=1,
)
def expired_sessions(cutoff: datetime) -> QuerySet[Any]:
    return Session.objects.filter(expire_date__lt=cutoff)


@privacy.retention_rule(
    "identity.invitations",
    title=gettext_lazy("Invitations that were used, withdrawn or forgotten"),
    why=gettext_lazy("The link opens nothing any more; the audit trail says when it was used."),
    keep_days=90,
)
def old_invitations(cutoff: datetime) -> QuerySet[Any]:
    closed = Q(accepted_at__lt=cutoff) | Q(revoked_at__lt=cutoff) | Q(expires_at__lt=cutoff)
    return Invitation.objects.filter(closed)


@privacy.retention_rule(
    "identity.password_resets",
    title=gettext_lazy("Password resets that were used or forgotten"),
    why=gettext_lazy("The link opens nothing any more."),
    keep_days=30,
)
def old_resets(cutoff: datetime) -> QuerySet[Any]:
    return PasswordReset.objects.filter(expires_at__lt=cutoff)


@privacy.retention_rule(
    "identity.tokens",
    title=gettext_lazy("Expired API tokens"),
    why=gettext_lazy("Nobody can use them any more."),
    keep_days=30,
)
def old_tokens(cutoff: datetime) -> QuerySet[Any]:
    return RefreshToken.objects.filter(expires_at__lt=cutoff)


@privacy.retention_rule(
    "identity.attempts",
    title=gettext_lazy("Counters of sign-in attempts"),
    why=gettext_lazy("They only matter for minutes."),
    keep_days=1,
)
def old_attempts(cutoff: datetime) -> QuerySet[Any]:
    return SignInAttempt.objects.filter(window_started_at__lt=cutoff)


@privacy.retention_rule(
    "identity.audit",
    title=gettext_lazy("Audit entries"),
    why=gettext_lazy("After seven years nobody asks any more who did it."),
    keep_days=7 * YEAR,
    work=service.delete_entries,
)
def old_audit(cutoff: datetime) -> QuerySet[Any]:
    return AuditEntry.objects.filter(at__lt=cutoff)
