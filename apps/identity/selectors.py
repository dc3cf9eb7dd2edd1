"""Reading accounts and the audit trail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.identity import roles as role_book
from apps.identity.contracts import UserInfo
from apps.identity.models import AuditEntry, Invitation, RoleAssignment, User
from kernel.errors import NotFound

ACTIVE = "active"
INVITED = "invited"
WITHDRAWN = "withdrawn"
DEACTIVATED = "deactivated"
STATUSES = (ACTIVE, INVITED, WITHDRAWN, DEACTIVATED)
STAFF = "staff"
PARENTS = "parents"
# How Django marks a password nobody can sign in with.
UNUSABLE = "!"


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What the people page shows; empty strings filter nothing."""

    text: str = ""
    group: str = ""  # STAFF or PARENTS
    role: str = ""
    status: str = ""


def people(wanted: PeopleFilter) -> QuerySet[User]:
    """Accounts by name with roles and status fetched, one statement a page."""
    pending = Invitation.objects.filter(
        user_id=OuterRef("pk"), accepted_at__isnull=True, revoked_at__isnull=True
    )
    rows = User.objects.with_roles().annotate(has_open_invitation=Exists(pending))
    for word in wanted.text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    groups = {STAFF: role_book.STAFF_ROLES, PARENTS: (role_book.GUARDIAN,)}
    if wanted.group in groups:
        rows = rows.with_role(*groups[wanted.group])
    if wanted.role:
        rows = rows.with_role(wanted.role)
    return _with_status(rows, wanted.status).order_by("name", "email", "pk")


def _with_status(rows: Any, status: str) -> Any:
    waiting = Q(is_active=True, password__startswith=UNUSABLE)
    conditions = {
        ACTIVE: Q(is_active=True) & ~Q(password__startswith=UNUSABLE),
        INVITED: waiting & Q(has_open_invitation=True),
        WITHDRAWN: waiting & Q(has_open_invitation=False),
        DEACTIVATED: Q(is_active=False),
    }
    return rows.filter(conditions[status]) if status in conditions else rows


def status_of(user: User) -> str:
    """One of STATUSES. Costs no query for users of `people()`."""
    if not user.is_active:
        return DEACTIVATED
    if user.has_usable_password():
        return ACTIVE
    known = getattr(user, "has_open_invitation", None)
    if known is None:
        known = user.invitations.filter(accepted_at__isnull=True, revoked_at__isnull=True).exists()
    return INVITED if known else WITHDRAWN


def get_person(user_id: UUID) -> User:
    """One account as `people()` gives it. Raises NotFound."""
    user = people(PeopleFilter()).filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such person here."))
    return user


def latest_invitation(user: User) -> Invitation | None:
    return user.invitations.order_by("-created_at").first()


def info(user: User) -> UserInfo:
    return UserInfo(
        id=user.pk,
        email=user.email,
        name=user.name,
        roles=tuple(sorted(user.roles)),
        is_active=user.is_active,
        language=user.language,
        status=status_of(user),
    )


def infos(users: Iterable[User]) -> list[UserInfo]:
    return [info(user) for user in users]


def count_by_role() -> dict[str, int]:
    """How many active accounts hold each role; roles nobody holds count 0."""
    held = RoleAssignment.objects.filter(user__is_active=True)
    counted = dict(held.values_list("role").annotate(Count("pk")).order_by())
    return {role: counted.get(role, 0) for role in role_book.ALL_ROLES}


def count_accounts(held_roles: Iterable[str], *, before: datetime) -> int:
    """Accounts with one of these roles, made before that moment and not closed."""
    held = RoleAssignment.objects.filter(
        user__is_active=True, user__created_at__lt=before, role__in=list(held_roles)
    )
    return held.aggregate(people=Count("user", distinct=True))["people"]


def audit_trail(
    *, text: str = "", action: str = "", codes: Iterable[str] = ()
) -> QuerySet[AuditEntry]:
    """Entries, newest first; `text` looks into who and what, `action` is one app's prefix.
    Entries of one of `codes` match whatever the text."""
    matching = Q()
    for word in text.split():
        matching &= (
            Q(actor__icontains=word) | Q(subject__icontains=word) | Q(action__icontains=word)
        )
    rows = AuditEntry.objects.filter(matching | Q(action__in=list(codes)) if text else Q())
    return rows.filter(action__startswith=f"{action}.") if action else rows
