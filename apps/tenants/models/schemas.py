"""How a school's tables are made and brought forward: recorded SQL, and schools kept in stock."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class MigrationScript(models.Model):
    """What one migration does in a school's schema, recorded while Django ran it on the template.

    Replaying all of them in the order of `position` makes a new school's tables; replaying those
    after a school's version brings it forward (docs/adr/0009).
    """

    id = models.BigAutoField(primary_key=True)
    # Empty app: the table django_migrations itself, which no migration makes.
    app = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255)
    # The order in which the template was migrated; it has gaps after a rollback.
    position = models.IntegerField()
    # Statements, each ended by a semicolon on a line of its own.
    sql = models.TextField(blank=True)
    # False: Python or statements that a transaction refuses. Django runs it school by school.
    replayable = models.BooleanField(default=True)
    # The rows it adds to django_migrations: [[app, name], …], several for a squashed migration.
    records = models.JSONField(default=list)
    # The fingerprint of the applied set once this script ran, from the first one to this.
    version = models.CharField(max_length=32)
    # The migration's file, to notice that it was edited afterwards.
    source = models.CharField(max_length=64)
    # What takes it back; recorded when the template is rolled back. See services/schemas/rollback.
    undo_sql = models.TextField(blank=True, default="")
    undo_replayable = models.BooleanField(default=False)
    # The template was rolled back over it, and schools may still have it.
    undone = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["app", "name"], name="tenants_script_once"),
            models.UniqueConstraint(fields=["position"], name="tenants_script_position"),
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


class SpareSchool(models.Model):
    """A school without a name: schema `t_<id>` and its role are there, empty and up to date.

    The id comes from the sequence of schools, so claiming it is rows only and needs no right to
    make tables.
    """

    id = models.BigIntegerField(primary_key=True)
    # As School.schema_version; empty while it is being made.
    schema_version = models.CharField(max_length=32, blank=True, default="")
    schema_error = models.TextField(blank=True, default="")
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"spare {self.id}"
