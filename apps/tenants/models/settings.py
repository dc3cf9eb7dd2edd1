"""What a school changed about itself, and when. Exists in the public schema only."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from kernel.ids import uuid7


class SettingChange(models.Model):
    """One setting before and after. Written with the change itself, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    setting = models.CharField(max_length=64)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor = models.CharField(max_length=254, blank=True, default="")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["school_id", "-at"], name="tenants_setting_school")]

    def __str__(self) -> str:
        return f"{self.setting} by {self.actor}"
