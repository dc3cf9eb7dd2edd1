"""Privacy: what the school holds about one person, how it is handed out and how it goes.

Each app registers in its privacy.py; nothing here knows a model of theirs.
"""

from apps.tenants.services.privacy.erasing import (
    Erased,
    ErasureRefused,
    erase_person,
    preview_erasure,
    reapply_erasures,
)
from apps.tenants.services.privacy.exporting import PersonExport, export_person
from apps.tenants.services.privacy.people import (
    SeveralPeople,
    find_person,
    person_by_ids,
)
from apps.tenants.services.privacy.registry import (
    collects,
    erases,
    finds_people,
    nobody_in,
    not_exported,
    objects_to_erasure,
)
from apps.tenants.services.privacy.retention import Batch, retention_rule, retire
from apps.tenants.services.privacy.shapes import (
    GUARDIAN,
    STUDENT,
    USER,
    Erasing,
    Gone,
    Kept,
    Person,
    PersonFile,
    PersonQuery,
    Section,
    money_kept_until,
)

__all__ = [
    "GUARDIAN",
    "STUDENT",
    "USER",
    "Batch",
    "Erased",
    "Erasing",
    "ErasureRefused",
    "Gone",
    "Kept",
    "Person",
    "PersonExport",
    "PersonFile",
    "PersonQuery",
    "Section",
    "SeveralPeople",
    "collects",
    "erase_person",
    "erases",
    "export_person",
    "find_person",
    "finds_people",
    "money_kept_until",
    "nobody_in",
    "not_exported",
    "objects_to_erasure",
    "person_by_ids",
    "preview_erasure",
    "reapply_erasures",
    "retention_rule",
    "retire",
]
