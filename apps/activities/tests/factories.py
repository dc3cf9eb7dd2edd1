"""Activities and calendar entries for tests."""

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from apps.activities.models import Activity, CalendarEntry
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory


class ActivityFactory(factory.django.DjangoModelFactory):
    """A published activity next week with sign-up open."""

    class Meta:
        model = Activity

    title = factory.Sequence(lambda n: f"Club {n}")
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    ends_at = factory.LazyAttribute(lambda o: o.starts_at + timedelta(hours=1))
    currency = "USD"
    status = "published"


class CalendarEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CalendarEntry

    title = factory.Sequence(lambda n: f"Entry {n}")
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
    ends_at = factory.LazyAttribute(lambda o: o.starts_at + timedelta(hours=1))


def enrolled(**values: Any) -> Any:
    """A student in a class; guardians=[…] as for StudentFactory."""
    return StudentFactory(school_class=SchoolClassFactory(), **values)


def family(children: int = 1, **values: Any) -> tuple[Any, list[Any]]:
    """A guardian and the children."""
    guardian = GuardianFactory(**values)
    return guardian, [enrolled(guardians=[guardian]) for _child in range(children)]
