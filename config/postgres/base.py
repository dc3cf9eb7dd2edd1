"""django-tenants' backend with two changes.

A school's search path holds its own schema only: a table of the platform or of another school is
not found at all unless it is named in full. And the path is sent again only when it changes or
may have been rolled back, instead of once a cursor (docs/adr/0003).
"""

from typing import Any

from django_tenants.postgresql_backend import base


class DatabaseWrapper(base.DatabaseWrapper):
    search_path_set_schemas: list[str] | None

    def set_tenant(self, tenant: Any, include_public: bool = False) -> None:
        path = (tenant.schema_name, False)
        unchanged = self.search_path_set_schemas and path == (
            self.schema_name,
            self.include_public_schema,
        )
        kept = self.search_path_set_schemas
        super().set_tenant(tenant, include_public=False)
        if unchanged:
            self.search_path_set_schemas = kept

    def set_schema(
        self, schema_name: str, include_public: bool = False, tenant_type: Any = None
    ) -> None:
        super().set_schema(schema_name, include_public=False, tenant_type=tenant_type)
