"""Who was erased, without saying who it was. In public, so that a school's backup, when it is
restored, cannot bring somebody back unnoticed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from kernel.ids import uuid7


class Erasure(models.Model):
    """One person erased from one school: keys, keyed hashes, counts; no name, no address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    person_ids = models.JSONField(default=list)
    fingerprints = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.CharField(max_length=254)
    reason = models.CharField(max_length=300)
    gone = models.JSONField(default=list)
    kept = models.JSONField(default=list)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["school_id", "at"], name="tenants_erasure_school")]

    def __str__(self) -> str:
        return f"{self.kind} erased {self.at:%Y-%m-%d}"
