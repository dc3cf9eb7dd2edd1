"""Accounts of one school (in its schema) and of the operators (in public)."""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models
from django.db.models.base import ModelBase
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from apps.identity import roles as role_book
from kernel.ids import uuid7
from kernel.models import SchoolModel

INVITATION_LIFE = timedelta(days=7)
PASSWORD_RESET_LIFE = timedelta(hours=2)


def current_schema() -> str:
    """The schema this connection reads: a school's own, or "public" for operators."""
    return str(connection.schema_name)  # type: ignore[attr-defined]


def new_nonce() -> str:
    return secrets.token_urlsafe(24)


def invitation_expiry() -> Any:
    return timezone.now() + INVITATION_LIFE


def password_reset_expiry() -> Any:
    return timezone.now() + PASSWORD_RESET_LIFE


class Role(models.TextChoices):
    ADMIN = role_book.ADMIN, _("Administrator")
    BURSAR = role_book.BURSAR, _("Bursar")
    OFFICE = role_book.OFFICE, _("Office")
    TEACHER = role_book.TEACHER, _("Teacher")
    GUARDIAN = role_book.GUARDIAN, _("Parent or guardian")
    OPERATOR = role_book.OPERATOR, _("Operator")


class UserQuerySet(models.QuerySet["User"]):
    def with_roles(self) -> "UserQuerySet":
        """Fetch the roles in the same statement; `user.roles` then costs no query."""
        names = RoleAssignment.objects.filter(user_id=models.OuterRef("pk")).values("role")
        return self.annotate(role_names=ArraySubquery(names))

    def with_role(self, *roles: str) -> "UserQuerySet":
        holders = RoleAssignment.objects.filter(role__in=roles).values("user_id")
        return self.filter(pk__in=holders)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(SchoolModel, AbstractBaseUser):
    """A person who signs in. No Django permissions: what they may do follows from their roles."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=10, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ("name", "email")
        constraints = (
            # Together: unique whatever the case, and a plain `email = …` finds its index.
            models.UniqueConstraint(fields=["email"], name="identity_user_email_unique"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="identity_user_email_lower"
            ),
        )
        indexes = (models.Index(fields=["name", "email"], name="identity_user_name"),)

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def roles(self) -> frozenset[str]:
        """Role names; one query unless fetched by `with_roles()`."""
        if not hasattr(self, "role_names"):
            self.role_names = list(self.assignments.values_list("role", flat=True))
        return frozenset(self.role_names)

    def forget_roles(self) -> None:
        """Drop the remembered roles after they were changed."""
        self.__dict__.pop("role_names", None)

    def can(self, codename: str) -> bool:
        """Whether any of the roles is granted the permission; never for a deactivated account."""
        return self.is_active and role_book.may(self.roles, codename)

    def has_role(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def is_staff_member(self) -> bool:
        return self.has_role(*role_book.STAFF_ROLES)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # The schema is part of the hash: a session row copied to another school, where a user of
        # the same key and password exists, does not verify there.
        return salted_hmac(
            "apps.identity.models.User.session",
            f"{current_schema()}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def get_session_auth_hash(self) -> str:
        return self._get_session_auth_hash()


class RoleAssignment(SchoolModel):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "role"], name="identity_role_once_a_user"),
            models.CheckConstraint(
                condition=models.Q(role__in=role_book.ALL_ROLES), name="identity_role_known"
            ),
        )
        indexes = (models.Index(fields=["role", "user"], name="identity_role_holders"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Invitation(SchoolModel):
    """One invitation to set a password. The link carries the nonce; a new link changes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    nonce = models.CharField(max_length=64, default=new_nonce, editable=False)
    invited_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=invitation_expiry)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="identity_invitation_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"invitation {self.id}"

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and not self.is_expired

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class PasswordReset(SchoolModel):
    """One request to choose a new password."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    nonce = models.CharField(max_length=64, default=new_nonce, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=password_reset_expiry)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"password reset {self.id}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.expires_at > timezone.now()


class RefreshToken(SchoolModel):
    """One refresh token of a family; each may be used once, a second use ends the family."""

    jti = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    family = models.UUIDField(default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_tokens")
    scope = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["family"], name="identity_refresh_family"),
            models.Index(fields=["expires_at"], name="identity_refresh_expiry"),
        )

    def __str__(self) -> str:
        return f"refresh token {self.jti}"


class SignInAttempt(SchoolModel):
    """A counter of attempts for one throttled key (an address or an e-mail) in one window."""

    key = models.CharField(max_length=80, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    window_started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=["window_started_at"], name="identity_attempt_age"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class AuditIsAppendOnly(TypeError):
    """Something tried to change or delete an audit entry."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AuditIsAppendOnly("Audit entries are never changed")

    def delete(self) -> NoReturn:
        raise AuditIsAppendOnly("Audit entries are never deleted")


class AuditEntry(SchoolModel):
    """Who did what to what. Append-only here and, by a trigger, in the database."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.CharField(max_length=254, blank=True, default="")
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=254, blank=True, default="")
    detail = models.JSONField(default=dict)
    trace_id = models.CharField(max_length=64, blank=True, default="")

    objects: ClassVar[models.Manager["AuditEntry"]] = models.Manager.from_queryset(AuditQuerySet)()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=["-at", "-id"], name="identity_audit_newest"),
            models.Index(fields=["action"], name="identity_audit_action"),
        )

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if force_update or update_fields is not None or not self._state.adding:
            raise AuditIsAppendOnly("Audit entries are never changed")
        super().save(force_insert=True, using=using)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AuditIsAppendOnly("Audit entries are never deleted")
