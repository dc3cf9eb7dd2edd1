"""Backups of schools, and the schemas that lie beside the schools because of a restore."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7


class Backup(models.Model):
    """One backup of one school: a file in the backup storage, and what is known about it.

    The row outlives its school. The file alone is enough to restore from; this is its card in
    the catalogue.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Being taken")
        DONE = "done", _("Taken")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    school_name = models.CharField(max_length=120)
    key = models.CharField(max_length=300, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    size = models.BigIntegerField(default=0)  # bytes of the file
    sha256 = models.CharField(max_length=64, blank=True, default="")
    rows = models.BigIntegerField(default=0)
    files = models.IntegerField(default=0)
    totals = models.JSONField(default=dict)  # what the apps' books added up to
    encrypted = models.BooleanField(default=False)
    # What the database's counters said before: equal ones the next night mean no new backup.
    activity = models.CharField(max_length=64, blank=True, default="")
    taken_by = models.CharField(max_length=254, blank=True, default="")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    taken_at = models.DateTimeField(null=True)  # the moment it shows the school at
    # The school was found unchanged since `taken_at`: the backup is as good as one of this time.
    unchanged_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # set: kept until then, whatever the retention
    pinned = models.BooleanField(default=False)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["school_id", "-started_at"], name="tenants_backup_school")]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=~models.Q(key=""), name="tenants_backup_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.school_name}, {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_good(self) -> bool:
        """Taken, and not found damaged since."""
        return self.state == self.State.DONE and not self.error


class SideSchema(models.Model):
    """A schema that is no school's: being restored, or replaced by a restore and kept a while."""

    class Purpose(models.TextChoices):
        CANDIDATE = "candidate", _("Being restored")
        KEPT = "kept", _("Replaced by a restore")

    schema_name = models.CharField(max_length=63, primary_key=True)
    school_id = models.BigIntegerField(null=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    made_at = models.DateTimeField(default=timezone.now)
    drop_after = models.DateTimeField()

    class Meta:
        ordering = ["made_at"]

    def __str__(self) -> str:
        return f"{self.schema_name} ({self.purpose})"
