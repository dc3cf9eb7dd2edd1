"""Students, guardians and classes on the wire."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.students.models import Guardianship
from apps.students.selectors import people


class StudentSerializer(serializers.Serializer):
    """A student and the class they are in now."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    date_of_birth = serializers.DateField(allow_null=True)
    household_id = serializers.UUIDField()
    class_id = serializers.UUIDField(allow_null=True)
    class_name = serializers.CharField()
    is_enrolled = serializers.BooleanField()


class GuardianSerializer(serializers.Serializer):
    """A parent or guardian."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.CharField(help_text='"" when the school has none.')
    phone = serializers.CharField()
    language = serializers.CharField(help_text='"" for the language of the school.')
    household_id = serializers.UUIDField()


class GuardianshipSerializer(serializers.Serializer):
    """A guardian of one student, first contact first."""

    guardian = GuardianSerializer()
    relationship = serializers.CharField()
    pays = serializers.BooleanField()
    contact_order = serializers.IntegerField()


class StudentDetailSerializer(StudentSerializer):
    """A student with the guardians."""

    guardians = GuardianshipSerializer(many=True)


class GuardianDetailSerializer(GuardianSerializer):
    """A guardian with the children."""

    children = StudentSerializer(many=True)


class ClassSerializer(serializers.Serializer):
    """A class of the current school year."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    year_name = serializers.CharField()
    student_count = serializers.IntegerField(help_text="Students in the class now.")


class StudentInput(serializers.Serializer):
    """A new student."""

    number = serializers.CharField(max_length=32)
    first_name = serializers.CharField(max_length=80)
    last_name = serializers.CharField(max_length=80)
    date_of_birth = serializers.DateField(required=False, allow_null=True)
    class_id = serializers.UUIDField()


class StudentChange(StudentInput):
    """What may change; a field that is left out stays as it is."""

    class_id = serializers.UUIDField(required=False)


class GuardianInput(serializers.Serializer):
    """A new guardian, of a student when `student_id` is given."""

    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    language = serializers.ChoiceField(
        choices=[code for code, _name in settings.LANGUAGES], required=False, allow_blank=True
    )


class NewGuardianInput(GuardianInput):
    """A new guardian; with `student_id` the guardian of this e-mail is linked to the student."""

    student_id = serializers.UUIDField(required=False)
    relationship = serializers.ChoiceField(
        choices=Guardianship.Relationship.choices, required=False
    )
    pays = serializers.BooleanField(required=False)


class SearchFilter(serializers.Serializer):
    """?q=: words that must all occur."""

    q = serializers.CharField(required=False, allow_blank=True, max_length=100, default="")


class StudentFilter(SearchFilter):
    """The filters of the list of students; `class` is added below because it is a keyword."""

    status = serializers.ChoiceField(
        choices=[people.ENROLLED, people.LEFT, people.EVERYBODY],
        required=False,
        default=people.EVERYBODY,
    )

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "class": serializers.UUIDField(required=False)}
