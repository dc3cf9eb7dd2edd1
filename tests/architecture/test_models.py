"""Data ownership that import-linter cannot see: tables, foreign keys, histories."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from kernel.models import SchoolModel

OURS = [config for config in apps.get_app_configs() if config.name.startswith("apps.")]
NINE = {
    "events",
    "tenants",
    "identity",
    "students",
    "activities",
    "payments",
    "fees",
    "notifications",
    "website",
}


def models() -> list[type]:
    return [model for config in OURS for model in config.get_models(include_auto_created=True)]


def test_exactly_nine_apps() -> None:
    assert {config.label for config in OURS} == NINE
    folders = {path.parent.name for path in Path(settings.BASE_DIR, "apps").glob("*/__init__.py")}
    assert folders == NINE


@pytest.mark.parametrize("model", models(), ids=lambda m: m._meta.label)
def test_relations_stay_inside_the_app(model: type) -> None:
    """Other apps' rows are named by their key: no join, no cascade, no constraint across apps."""
    for field in model._meta.get_fields():
        if field.is_relation and field.related_model is not None and not field.auto_created:
            assert field.related_model._meta.app_label == model._meta.app_label, field


@pytest.mark.parametrize("label", sorted(NINE))
def test_each_app_has_its_readme(label: str) -> None:
    readme = Path(settings.BASE_DIR, "apps", label, "README.md").read_text()
    assert len(readme.splitlines()) >= 10


@pytest.mark.parametrize(
    "model", [m for m in models() if m._meta.app_label != "tenants"], ids=lambda m: m._meta.label
)
def test_a_row_of_a_school_knows_its_school(model: type) -> None:
    """... and refuses to be saved into another one: kernel/models.py."""
    assert issubclass(model, SchoolModel)


def test_libraries_without_tables_are_migrated_nowhere() -> None:
    for name in settings.CODE_ONLY_APPS:
        assert name not in settings.SHARED_APPS
        assert name not in settings.TENANT_APPS


def test_the_platform_has_no_table_of_a_school_and_a_school_none_of_the_platform(
    school: object, in_other_school: object
) -> None:
    from django.db import connection

    def tables() -> set[str]:
        return set(connection.introspection.table_names())

    of_school = tables()
    connection.set_schema_to_public()
    of_platform = tables()
    assert {"students_student", "fees_invoice", "identity_user"} <= of_school
    assert "tenants_school" in of_platform
    assert "tenants_school" not in of_school
    assert not {name for name in of_platform if name.startswith(("students_", "fees_"))}
    assert not {
        name for name in of_school | of_platform if name.startswith(("auth_", "django_content"))
    }
