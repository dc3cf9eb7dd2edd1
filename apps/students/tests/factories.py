"""Students, guardians and classes for tests."""

from typing import Any

import factory

from apps.students.models import (
    Enrolment,
    Guardian,
    Guardianship,
    Household,
    SchoolClass,
    Student,
)
from apps.students.services.years import ensure_current_year
from kernel import schools


class HouseholdFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Household


class SchoolClassFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SchoolClass

    year = factory.LazyFunction(ensure_current_year)
    name = factory.Sequence(lambda n: f"{n + 1}A")


class GuardianFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Guardian

    household = factory.SubFactory(HouseholdFactory)
    name = factory.Sequence(lambda n: f"Parent {n}")
    email = factory.Sequence(lambda n: f"parent{n}@example.com")
    search_text = factory.LazyAttribute(
        lambda o: Guardian(name=o.name, email=o.email, phone=getattr(o, "phone", "")).search_key()
    )


class StudentFactory(factory.django.DjangoModelFactory):
    """StudentFactory(school_class=…, guardians=[…]); without a class: not enrolled."""

    class Meta:
        model = Student
        skip_postgeneration_save = True

    household = factory.SubFactory(HouseholdFactory)
    number = factory.Sequence(lambda n: f"S{n:05d}")
    first_name = factory.Sequence(lambda n: f"Child{n}")
    last_name = "Testsson"
    search_text = factory.LazyAttribute(
        lambda o: Student(
            first_name=o.first_name, last_name=o.last_name, number=o.number
        ).search_key()
    )

    @factory.post_generation
    def school_class(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        if extracted:
            Enrolment.objects.create(
                student=self,
                school_class=extracted,
                year=extracted.year,
                starts_on=schools.today(),
            )

    @factory.post_generation
    def guardians(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        for order, guardian in enumerate(extracted or [], start=1):
            Guardianship.objects.create(
                student=self, guardian=guardian, relationship="parent", contact_order=order
            )
