"""A families file, checked and imported, and what the school then holds."""

from typing import Any

from django.apps import apps

from apps.students.models import (
    Enrolment,
    FamilyImport,
    Guardian,
    Guardianship,
    Household,
    SchoolClass,
    Student,
)
from apps.students.services import imports

OutboxEvent = apps.get_model("events", "OutboxEvent")
AuditEntry = apps.get_model("identity", "AuditEntry")
HEADER = (
    "number,first_name,last_name,dob,class,"
    "guardian1_name,guardian1_email,guardian1_phone,guardian1_relationship,guardian1_pays,"
    "guardian2_name,guardian2_email,guardian2_phone,guardian2_relationship"
)
ANA = "1001,Ana,García,2017-03-14,3A,María López,maria@example.com,555-1,mother,yes,,,,"
EVA = "1002,Eva,García,2019-05-01,1A,María López,maria@example.com,555-1,mother,yes,,,,"
NOAH = "1003,Noah,Chen,,3A,Wei Chen,wei@example.com,,father,,Lin Chen,,555-2,mother"
MODELS = (Household, Guardian, Student, Guardianship, Enrolment, SchoolClass)


def csv_of(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def check(*rows: str) -> FamilyImport:
    return imports.check_families_file(
        content=csv_of(*rows), file_name="families.csv", actor="bursar@example.org"
    )


def run(*rows: str, **more: bool) -> FamilyImport:
    return imports.import_families(import_id=check(*rows).id, actor="bursar@example.org", **more)


def state_of_the_school() -> dict[str, Any]:
    return {model.__name__: {row["id"]: row for row in model.objects.values()} for model in MODELS}


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in MODELS)
