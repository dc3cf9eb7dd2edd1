"""The schools of this installation. These tables exist in the public schema only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from apps.tenants.contracts import STATUS_RULES
from kernel.ids import uuid7

DEFAULT_COLOUR = "#1f5f8b"


class School(TenantMixin):
    """One school: where its data lives (`schema_name`) and how it presents itself."""

    class Status(models.TextChoices):
        PROVISIONING = "provisioning", _("Being set up")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        ARCHIVED = "archived", _("Archived")
        DELETING = "deleting", _("Being deleted")

    # Provisioning decides when the schema is made, and undoes it when a step fails.
    auto_create_schema = False
    auto_drop_schema = False

    id = models.BigAutoField(primary_key=True)
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PROVISIONING)
    # The host of the primary Domain, kept by Domain.save: addresses are built inside a school,
    # where the platform's tables cannot be seen.
    primary_host = models.CharField(max_length=253, blank=True, default="")
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=8)
    time_zone = models.CharField(max_length=64)
    tagline = models.CharField(max_length=160, blank=True, default="")
    colour = models.CharField(max_length=7, default=DEFAULT_COLOUR)
    contact_email = models.EmailField(blank=True, default="")
    contact_phone = models.CharField(max_length=40, blank=True, default="")
    address = models.TextField(max_length=400, blank=True, default="")
    # What the school set otherwise than its app proposes: {"fees.due_days": 30}. In this row, so
    # that opening a school brings its settings along; each is read by its declaration
    # (services/rules.py), never by hand.
    settings = models.JSONField(
        default=dict, db_default=models.Value({}, output_field=models.JSONField())
    )
    # Whom the school was provisioned for: what a repeated provisioning is compared with.
    admin_email = models.EmailField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(null=True, blank=True)
    # Which migrations its tables have: a fingerprint of the applied set, written in the
    # transaction that changes them. Empty: not known. And why the last attempt failed.
    schema_version = models.CharField(max_length=32, blank=True, default="", db_default="")
    schema_error = models.TextField(blank=True, default="", db_default="")
    # Why and since when the status is what it is; and what an undone deletion goes back to.
    status_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    status_since = models.DateTimeField(null=True, blank=True)
    status_before = models.CharField(max_length=16, blank=True, default="", db_default="")
    # Set while the school is being deleted: when its data go, and the operation that exports them.
    delete_after = models.DateTimeField(null=True, blank=True)
    export_operation = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="tenants_school_slug_unique"),
            models.CheckConstraint(
                # Opaque and never reused: a renamed school keeps its schema.
                condition=models.Q(schema_name__regex=r"^t_[0-9]{6,}$"),
                name="tenants_school_schema_name_opaque",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def works(self) -> bool:
        """Whether background work is done for it: events, mails, payments that settle."""
        return STATUS_RULES[self.status].works


class Domain(DomainMixin):
    """A host name (lower case, without port) that leads to a school.

    `challenge` is empty once we know that the domain reaches this installation; until then it
    leads nowhere but to the answer to that challenge.
    """

    challenge = models.CharField(max_length=64, blank=True, default="", db_default="")
    added_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(Lower("domain"), name="tenants_domain_domain_lower"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the school's `primary_host` in step with its primary domain."""
        super().save(*args, **kwargs)
        if self.is_primary and self.tenant.primary_host != self.domain:
            self.tenant.primary_host = self.domain
            School.objects.filter(pk=self.tenant_id).update(primary_host=self.domain)


class OperatorAction(models.Model):
    """What an operator did to a school. Written once, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["school_id", "-at"], name="tenants_action_school")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


def schema_name_for(school_id: int) -> str:
    """The PostgreSQL schema of a school: opaque, and the same for ever."""
    return f"t_{school_id:06d}"
