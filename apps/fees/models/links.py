"""Links that open a family's page, and who asks for them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from kernel.ids import uuid7
from kernel.models import SchoolModel


class FamilyLink(SchoolModel):
    """A link that opens one guardian's page without a login, until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    guardian_id = models.UUIDField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["guardian_id", "created_at"], name="fees_link_guardian")]

    def __str__(self) -> str:
        return str(self.id)


class LinkRequest(SchoolModel):
    """Counts who asks for fresh links, so that nobody can flood a mailbox."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=64)  # a keyed hash of the address or of the e-mail
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["key", "created_at"], name="fees_linkrequest_key")]

    def __str__(self) -> str:
        return self.key
