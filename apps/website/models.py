"""What a school tells the public about itself. No row here names a student or a guardian."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel


class SchoolProfile(SchoolModel):
    """The one row behind the home page. How to reach the school is in its settings (tenants)."""

    # Always 1, so that the primary key itself forbids a second row.
    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    hero_title = models.CharField(_("Headline"), max_length=120, blank=True, default="")
    hero_text = models.CharField(
        _("Text under the headline"), max_length=300, blank=True, default=""
    )
    about = models.TextField(_("About the school"), max_length=10_000, blank=True, default="")
    principal = models.CharField(_("Head of school"), max_length=120, blank=True, default="")
    hours = models.TextField(_("Office hours"), max_length=400, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="website_schoolprofile_only_one")
        ]

    def __str__(self) -> str:
        return self.hero_title or "School profile"


class Page(SchoolModel):
    """A page of the public site, written in Markdown."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    body = models.TextField(max_length=50_000)
    is_published = models.BooleanField(default=False)
    menu_order = models.PositiveSmallIntegerField(default=100)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["menu_order", "title"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="website_page_slug_unique")]

    def __str__(self) -> str:
        return self.title


class NewsQuerySet(models.QuerySet["NewsPost"]):
    def published(self) -> NewsQuerySet:
        """What the public sees, pinned first, then newest."""
        return self.filter(published_at__lte=Now()).order_by("-pinned", "-published_at", "-id")


class NewsPost(SchoolModel):
    """A piece of news. A draft until `published_at` is set."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    body = models.TextField(max_length=50_000)
    pinned = models.BooleanField(default=False)
    author_name = models.CharField(max_length=120, blank=True, default="")
    # The post a new school finds on its site; no longer once somebody has made it their own.
    is_starter = models.BooleanField(default=False, editable=False)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = NewsQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="website_newspost_slug_unique")
        ]
        indexes = [
            models.Index(fields=["-pinned", "-published_at", "-id"], name="website_newspost_public")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_published(self) -> bool:
        return self.published_at is not None


def document_path(document: Document, filename: str) -> str:
    """In the school's folder (kernel.files); random, so that it cannot be guessed."""
    return f"documents/{uuid7().hex}.{document.extension}"


class Document(SchoolModel):
    """A file for download: a form, a menu, the calendar as PDF."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=120)
    file = models.FileField(upload_to=document_path, max_length=200)
    # What the content was found to be, never what the uploader said.
    content_type = models.CharField(max_length=100)
    extension = models.CharField(max_length=8)
    size_bytes = models.PositiveIntegerField()
    is_published = models.BooleanField(default=True)
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    uploaded_by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.title


class StaffEntry(SchoolModel):
    """One line of the public staff directory."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    position = models.CharField(max_length=120)
    email = models.EmailField(blank=True, default="")
    order = models.PositiveSmallIntegerField(default=100)
    is_published = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "name"]
        verbose_name_plural = "staff entries"

    def __str__(self) -> str:
        return f"{self.name}, {self.position}"
