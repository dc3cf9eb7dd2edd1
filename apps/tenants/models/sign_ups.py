"""Schools that somebody asked for on the platform's landing page."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7


def new_secret() -> str:
    """What makes a link work once: replaced when the link has been used."""
    return secrets.token_urlsafe(24)


class SignUp(models.Model):
    """A school that is asked for. Its short name is kept for it until `expires_at`."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for confirmation")
        CONFIRMED = "confirmed", _("Being made")
        DONE = "done", _("School opened")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    school_name = models.CharField(max_length=120)
    slug = models.CharField(max_length=63)
    admin_name = models.CharField(max_length=120, blank=True, default="")
    admin_email = models.EmailField(max_length=254)
    plan_code = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=8)
    time_zone = models.CharField(max_length=64)
    secret = models.CharField(max_length=64, default=new_secret)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    school_id = models.BigIntegerField(null=True, blank=True)
    # Why it could not be made, for the operator; never shown to the person who asked.
    problem = models.CharField(max_length=300, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="tenants_signup_newest"),
            models.Index(fields=["admin_email"], name="tenants_signup_email"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(status__in=("pending", "confirmed")),
                name="tenants_signup_slug_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.status})"


class VisitorCount(models.Model):
    """How often a visitor (hashed address or e-mail) did something in the running window."""

    key = models.CharField(max_length=80, primary_key=True)
    count = models.PositiveIntegerField()
    window_started_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["window_started_at"], name="tenants_visitor_window")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
