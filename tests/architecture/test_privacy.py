"""No table of a school without a word on the people in it."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from apps.tenants.services.privacy.registry import REGISTRY, Registry

# What usually holds somebody's data, wherever it stands.
PERSONAL = re.compile(
    r"(^|_)(e?mail|phone|address|first_name|last_name|person|student_id|guardian_id|user_id"
    r"|payer|date_of_birth)"
)


def tables() -> list[str]:
    labels = [name.rpartition(".")[2] for name in settings.TENANT_APPS]
    return sorted(
        model._meta.label
        for label in labels
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    )


@pytest.mark.parametrize("label", tables())
def test_every_table_of_a_school_says_what_it_holds_about_people(label: str) -> None:
    assert REGISTRY.missing(label) == [], f"declare {label} in its app's privacy.py"


def test_a_forgotten_table_is_noticed() -> None:
    fresh = Registry()

    assert len(fresh.missing("clinic.Visit")) == 2

    fresh.exported.add("clinic.Visit")
    assert fresh.missing("clinic.Visit") == ["how it is erased (@privacy.erases)"]


@pytest.mark.parametrize("label", sorted(REGISTRY.nobody))
def test_a_table_without_people_has_no_column_of_a_person(label: str) -> None:
    model = apps.get_model(label)
    suspicious = [
        field.name
        for field in model._meta.concrete_fields
        if PERSONAL.search(field.name) or isinstance(field, models.EmailField)
    ]

    assert suspicious == []
    assert len(REGISTRY.nobody[label]) > 10


@pytest.mark.parametrize("label", sorted({*REGISTRY.nobody, *REGISTRY.exported, *REGISTRY.erased}))
def test_no_declaration_outlives_its_table(label: str) -> None:
    assert apps.get_model(label)
