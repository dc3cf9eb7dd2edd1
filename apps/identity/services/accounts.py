"""Creating accounts, giving and taking roles, closing and reopening."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import roles as role_book
from apps.identity.models import Invitation, RoleAssignment, User
from apps.identity.services import audit, passwords
from kernel.errors import Conflict, Invalid, NotFound


def clean_email(email: str) -> str:
    """Lower-cased and trimmed. Raises Invalid for something that is no address."""
    cleaned = email.replace("\x00", "").strip().lower()
    try:
        validate_email(cleaned)
    except ValidationError:
        message = _("“%(email)s” is not an e-mail address.") % {"email": cleaned[:80]}
        raise Invalid(message, field="email") from None
    return cleaned


def clean_roles(roles: Collection[str], allowed: Collection[str]) -> tuple[str, ...]:
    """Known roles in their usual order. Raises Invalid for none at all or an unknown one."""
    unknown = set(roles) - set(allowed)
    if unknown:
        message = _("There is no role “%(role)s” here.") % {"role": sorted(unknown)[0]}
        raise Invalid(message, field="roles")
    if not roles:
        raise Invalid(_("Choose at least one role."), field="roles")
    return tuple(role for role in allowed if role in set(roles))


def add_user(*, email: str, name: str, roles: Sequence[str], password: str | None = None) -> User:
    """A new account; without a password it waits for its invitation to be accepted.

    Raises Conflict when the address is taken. Call inside a transaction.
    """
    user = User(email=clean_email(email), name=name.replace("\x00", "").strip()[:150])
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        message = _("%(email)s already has an account here.") % {"email": user.email}
        raise Conflict(message, code="email_taken", field="email") from None
    RoleAssignment.objects.bulk_create([RoleAssignment(user=user, role=role) for role in roles])
    return user


@transaction.atomic
def create_user(*, email: str, name: str, password: str, roles: Sequence[str]) -> User:
    """An account that can sign in at once (demo data, tests, operators)."""
    return add_user(
        email=email,
        name=name,
        roles=clean_roles(roles, role_book.ALL_ROLES),
        password=password,
    )


def locked_user(user_id: UUID) -> User:
    """The account, locked until the transaction ends. Raises NotFound."""
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such person here."))
    return user


@transaction.atomic
def change_roles(*, user_id: UUID, roles: Collection[str], actor: str) -> User:
    """Replace the roles. Raises Conflict when the school would be left without an admin."""
    wanted = clean_roles(roles, role_book.SCHOOL_ROLES)
    lock_admins()
    user = locked_user(user_id)
    before = user.roles
    if role_book.ADMIN in before and role_book.ADMIN not in wanted:
        check_another_admin(user)
    user.assignments.exclude(role__in=wanted).delete()
    missing = [RoleAssignment(user=user, role=role) for role in wanted if role not in before]
    RoleAssignment.objects.bulk_create(missing)
    user.forget_roles()
    detail = {"before": sorted(before), "after": sorted(wanted)}
    audit.record(actor=actor, action="identity.roles_changed", subject=user.email, detail=detail)
    return user


@transaction.atomic
def add_role(*, user_id: UUID, role: str, actor: str) -> User:
    """Give one more role; already having it changes nothing."""
    user = locked_user(user_id)
    if role in user.roles:
        return user
    RoleAssignment.objects.create(user=user, role=role)
    user.forget_roles()
    detail = {"added": role}
    audit.record(actor=actor, action="identity.roles_changed", subject=user.email, detail=detail)
    return user


@transaction.atomic
def deactivate(*, user_id: UUID, actor: str) -> User:
    """Close an account: its sessions, tokens and open invitation end now.

    Raises Conflict for one's own account and for the school's last admin.
    """
    lock_admins()
    user = locked_user(user_id)
    if user.email == actor:
        raise Conflict(_("You cannot deactivate your own account."), code="own_account")
    if role_book.ADMIN in user.roles:
        check_another_admin(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    passwords.revoke_refresh_tokens([user])
    revoke_open_invitations(user)
    audit.record(actor=actor, action="identity.user_deactivated", subject=user.email)
    return user


@transaction.atomic
def reactivate(*, user_id: UUID, actor: str) -> User:
    """Open a closed account again, with the roles it had."""
    user = locked_user(user_id)
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(actor=actor, action="identity.user_reactivated", subject=user.email)
    return user


@transaction.atomic
def update_profile(*, user: User, name: str, language: str) -> User:
    """The person's own name and language ("" = the school's language)."""
    cleaned = name.replace("\x00", "").strip()[:150]
    if not cleaned:
        raise Invalid(_("Please tell us your name."), field="name")
    user.name, user.language = cleaned, language
    user.save(update_fields=["name", "language"])
    return user


def revoke_open_invitations(user: User) -> int:
    """Close the invitation that is still open, if any; returns how many were."""
    pending = Invitation.objects.filter(
        user=user, accepted_at__isnull=True, revoked_at__isnull=True
    )
    return pending.update(revoked_at=timezone.now())


def lock_admins() -> None:
    """Make changes to the circle of admins wait for each other, in key order.

    Two admins who remove each other at the same moment must not both succeed.
    """
    admins = User.objects.select_for_update().with_role(role_book.ADMIN).order_by("pk")
    list(admins.values_list("pk", flat=True))


def check_another_admin(user: User) -> None:
    """Raises Conflict unless somebody else can still administer the school."""
    others = User.objects.with_role(role_book.ADMIN).filter(is_active=True).exclude(pk=user.pk)
    # An invited admin who never set a password cannot let anybody in again.
    if not any(other.has_usable_password() for other in others.only("pk", "password")):
        message = _("%(name)s is the only administrator. Make somebody else one first.")
        raise Conflict(message % {"name": user.name or user.email}, code="last_admin")
