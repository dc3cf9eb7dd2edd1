"""Long work that operators ask for, work that falls due, and what is left of a deleted school."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7


class Operation(models.Model):
    """Work for the keeper: asked for in the console or by a command, done once, with progress.

    The process that does it holds an advisory lock made of its id: when nobody holds that lock
    any more, the process is gone.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40)
    school_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=254)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    # Units done of units in all; `total` 0 means that nobody can say.
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True, default="")
    result = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")
    attempts = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["school_id", "-id"], name="tenants_operation_school"),
            models.Index(
                fields=["id"],
                name="tenants_operation_open",
                condition=models.Q(state__in=["waiting", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)


class DeletedSchool(models.Model):
    """A school that is no more. Its data are gone; that it was here, and who ended it, is not."""

    school_id = models.BigIntegerField(primary_key=True)
    schema_name = models.CharField(max_length=63)
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=120)
    domains = models.JSONField(default=list)
    reason = models.CharField(max_length=200, blank=True, default="")
    requested_by = models.CharField(max_length=254)
    export = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-deleted_at"]

    def __str__(self) -> str:
        return f"{self.name} (deleted)"


class DueWork(models.Model):
    """A school has something to do for one task at `due_at`. Numbers only, no school's data.

    Rows are added beside the change that makes the work, and taken away by the task that has
    looked: so beat reads this one table instead of every school's.
    """

    id = models.BigAutoField(primary_key=True)
    school_id = models.BigIntegerField()
    task = models.CharField(max_length=60)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="tenants_duework_due"),
            models.Index(fields=["school_id", "task"], name="tenants_duework_school"),
        ]

    def __str__(self) -> str:
        return f"{self.task} of school {self.school_id}"
