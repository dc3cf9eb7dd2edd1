"""Schools as rows only, without tables of their own: for lists, hosts and settings."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.tenants.models import Domain, School, schema_name_for
from kernel.schools import in_public


class SchoolFactory(DjangoModelFactory[School]):
    class Meta:
        model = School

    id = factory.Sequence(lambda n: 5000 + n)
    schema_name = factory.LazyAttribute(lambda o: schema_name_for(o.id))
    slug = factory.LazyAttribute(lambda o: f"school-{o.id}")
    name = factory.LazyAttribute(lambda o: f"School {o.id}")
    status = School.Status.ACTIVE
    currency = "USD"
    language = "en"
    time_zone = "America/New_York"
    admin_email = factory.LazyAttribute(lambda o: f"head@{o.slug}.example")

    @classmethod
    def _create(cls, model_class: type[School], *args: Any, **kwargs: Any) -> School:
        host = kwargs.pop("host", f"{kwargs['slug']}.testserver")
        with in_public():
            school: School = super()._create(model_class, *args, **kwargs)
            Domain.objects.create(domain=host, tenant=school, is_primary=True)
        return school


def reopen(schema_name: str = "t_000001") -> None:
    """Open Lincoln once more, as the next request would find it."""
    from kernel.schools import connection, in_public

    with in_public():
        school = School.objects.get(schema_name=schema_name)
    connection.set_tenant(school)
