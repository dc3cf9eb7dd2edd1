"""The connection to a standby follows the primary's: same school, same role, and no writing.

A standby refuses writes by itself; a read-only session also refuses them on a server that is none
(any more), such as a standby that was promoted.
"""

from typing import Any

from django.db import connections

from config.postgres import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        options = f"{params.get('options', '')} -c default_transaction_read_only=on"
        params["options"] = options.strip()
        params.setdefault("connect_timeout", 2)
        return params

    def _cursor(self, name: str | None = None) -> Any:
        primary: Any = connections["default"]
        self.tenant, self.schema_name = primary.tenant, primary.schema_name
        self.include_public_schema = False
        return super()._cursor(name)
