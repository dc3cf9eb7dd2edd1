"""django-tenants' own migrate_schemas, as the owner and with the schools' versions kept right.

Named by settings.GET_EXECUTOR_FUNCTION. migrate_schools is the command to use; this one remains
for what it does not do (--fake, --prune), and for the tools that call it.
"""

from __future__ import annotations

from django_tenants import migration_executors
from django_tenants.utils import get_public_schema_name

from apps.tenants.services.schemas.versions import note_versions
from kernel.owner import owning
from kernel.prepare import prepare_database


def get_executor(codename: str | None = None) -> type:
    """The stock executor of that name, between two things that the stock one does not know."""
    stock = migration_executors.get_executor(codename)

    class OwnersExecutor(stock):  # type: ignore[misc, valid-type]
        def run_migrations(self, tenants: list[str] | None = None) -> None:
            chosen = list(tenants or [])
            if get_public_schema_name() in chosen:
                prepare_database()  # before, for tables of another owner's; after, for new ones
            with owning():
                super().run_migrations(list(chosen))
            if get_public_schema_name() in chosen:
                prepare_database()
            note_versions([name for name in chosen if name != get_public_schema_name()])

    return OwnersExecutor
