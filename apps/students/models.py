"""Students, their guardians and households, classes by school year, and families imports."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kernel.ids import uuid7
from kernel.models import SchoolModel


def fold(text: str) -> str:
    """Text as it is compared: without accents, case or extra spaces ("  GARCÍA " -> "garcia")."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in text if not unicodedata.combining(char))
    return " ".join(text.casefold().split())


class SchoolYear(SchoolModel):
    """A school year. Exactly one is current; classes and imports belong to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=20)
    starts_on = models.DateField()
    ends_on = models.DateField()
    is_current = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["-starts_on"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], name="students_year_name"),
            models.UniqueConstraint(
                fields=["is_current"],
                condition=Q(is_current=True),
                name="students_year_one_current",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="students_year_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SchoolClass(SchoolModel):
    """A class (3A, Year 4) of one school year."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    year = models.ForeignKey(SchoolYear, on_delete=models.PROTECT, related_name="classes")
    name = models.CharField(_("name"), max_length=40)

    class Meta:
        verbose_name = _("class")
        verbose_name_plural = _("classes")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("year", Lower("name"), name="students_class_name_a_year"),
        ]

    def __str__(self) -> str:
        return self.name


class Household(SchoolModel):
    """People who share a home. Siblings share one; separated parents have one each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"household {self.id}"


class Guardian(SchoolModel):
    """A parent or guardian. The e-mail, in small letters, is what tells two of them apart."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="guardians")
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=40, blank=True, default="")
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    user_id = models.UUIDField(null=True, blank=True)
    search_text = models.CharField(max_length=400, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["email"], condition=~Q(email=""), name="students_guardian_email"
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="students_guardian_email_lower"
            ),
            models.UniqueConstraint(
                fields=["user_id"],
                condition=Q(user_id__isnull=False),
                name="students_guardian_user",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="students_guardian_by_name")]

    def __str__(self) -> str:
        return self.name

    def search_key(self) -> str:
        """What `search_text` must hold: the folded name, e-mail and phone."""
        return fold(f"{self.name} {self.email} {self.phone}")[:400]


class Student(SchoolModel):
    """A child of the school. Whether and where enrolled is in the enrolments."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="students")
    number = models.CharField(_("student number"), max_length=32)
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80)
    date_of_birth = models.DateField(_("date of birth"), null=True, blank=True)
    guardians: models.ManyToManyField[Guardian, Guardianship] = models.ManyToManyField(
        Guardian, through="Guardianship", related_name="students"
    )
    search_text = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["last_name", "first_name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number"], name="students_student_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["last_name", "first_name", "id"], name="students_student_by_name")
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def search_key(self) -> str:
        """What `search_text` must hold: the folded names and number."""
        return fold(f"{self.first_name} {self.last_name} {self.number}")[:200]


class Guardianship(SchoolModel):
    """A guardian of a student: how they are related, whether they pay, who is called first."""

    class Relationship(models.TextChoices):
        MOTHER = "mother", _("Mother")
        FATHER = "father", _("Father")
        PARENT = "parent", _("Parent")
        STEPPARENT = "stepparent", _("Step-parent")
        GRANDPARENT = "grandparent", _("Grandparent")
        RELATIVE = "relative", _("Other relative")
        FOSTER = "foster", _("Foster carer")
        GUARDIAN = "guardian", _("Legal guardian")
        OTHER = "other", pgettext_lazy("relationship", "Other")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="guardianships")
    guardian = models.ForeignKey(Guardian, on_delete=models.CASCADE, related_name="guardianships")
    relationship = models.CharField(
        _("relationship"), max_length=16, choices=Relationship, default=Relationship.GUARDIAN
    )
    pays = models.BooleanField(_("pays the fees"), default=True)
    contact_order = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["contact_order", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["student", "guardian"], name="students_guardianship_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.guardian_id} {self.relationship} of {self.student_id}"


class Enrolment(SchoolModel):
    """A stay in a class from `starts_on` to `ends_on`; open (None) while the student is there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="enrolments")
    school_class = models.ForeignKey(
        SchoolClass, on_delete=models.PROTECT, related_name="enrolments"
    )
    year = models.ForeignKey(SchoolYear, on_delete=models.PROTECT, related_name="enrolments")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-starts_on", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["student"],
                condition=Q(ends_on__isnull=True),
                name="students_enrolment_open",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="students_enrolment_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.school_class_id}"


class FamilyImport(SchoolModel):
    """A families file: checked (dry run), then imported, then perhaps undone.

    `rows` holds the good rows while the file waits to be imported and is emptied afterwards;
    `effects` holds what the import created and what it changed from which values, so that an undo
    restores exactly that.
    """

    class State(models.TextChoices):
        DRY_RUN = "dry_run", _("Checked, not imported")
        IMPORTED = "imported", _("Imported")
        UNDONE = "undone", _("Undone")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.DRY_RUN)
    uploaded_by = models.CharField(max_length=254, blank=True, default="")
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    imported_by = models.CharField(max_length=254, blank=True, default="")
    imported_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=254, blank=True, default="")
    undone_at = models.DateTimeField(null=True, blank=True)
    totals = models.JSONField(default=dict)
    problems = models.JSONField(default=list)
    notices = models.JSONField(default=list)
    ignored_columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    effects = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-uploaded_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["-uploaded_at", "-id"], name="students_import_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"
