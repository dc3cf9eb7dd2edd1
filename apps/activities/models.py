"""Activities with their sign-ups and waiting lists, and the calendar's entries."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import uuid7
from kernel.models import SchoolModel


class Activity(SchoolModel):
    """A club, trip or event that families sign up for."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), max_length=4000, blank=True, default="")
    place = models.CharField(_("place"), max_length=120, blank=True, default="")
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    signup_opens_at = models.DateTimeField(_("sign-up opens"), null=True, blank=True)
    signup_closes_at = models.DateTimeField(_("sign-up closes"), null=True, blank=True)
    places = models.PositiveIntegerField(_("places"), null=True, blank=True)
    fee_minor = models.BigIntegerField(_("fee"), default=0)
    currency = models.CharField(max_length=3)
    needs_permission = models.BooleanField(_("needs a parent's permission"), default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering: ClassVar = ["starts_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="activity_ends"),
            models.CheckConstraint(condition=Q(fee_minor__gte=0), name="activity_fee_not_negative"),
            models.CheckConstraint(
                condition=Q(places__isnull=True) | Q(places__gte=1), name="activity_places"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["starts_at", "id"], name="activity_by_start")]

    def __str__(self) -> str:
        return self.title


class SignUp(SchoolModel):
    """A student's sign-up. `position` orders those who wait: who came first is promoted first."""

    class Status(models.TextChoices):
        CONFIRMED = "confirmed", _("Has a place")
        WAITING = "waiting", _("Waiting")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="sign_ups")
    student_id = models.UUIDField()
    guardian_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    position = models.PositiveIntegerField()
    permission_given_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    signed_up_at = models.DateTimeField(default=timezone.now, editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["activity", "student_id"],
                condition=~Q(status="cancelled"),
                name="activities_signup_once",
            ),
            models.UniqueConstraint(
                fields=["activity", "position"], name="activities_signup_position"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["student_id"], name="activities_signup_student")]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.activity_id}: {self.status}"


class CalendarEntry(SchoolModel):
    """A date in the school's calendar without sign-up: holidays, meetings, performances."""

    class Audience(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        FAMILIES = "families", _("Families and staff")
        STAFF = "staff", _("Staff only")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(_("title"), max_length=120)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    all_day = models.BooleanField(_("all day"), default=False)
    place = models.CharField(_("place"), max_length=120, blank=True, default="")
    audience = models.CharField(max_length=10, choices=Audience, default=Audience.PUBLIC)

    class Meta:
        verbose_name = _("calendar entry")
        verbose_name_plural = _("calendar entries")
        ordering: ClassVar = ["starts_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="calendar_entry_ends"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["starts_at", "id"], name="calendar_entry_by_start")
        ]

    def __str__(self) -> str:
        return self.title
