"""How the two ways to authenticate show in the OpenAPI document.

Apart from the classes themselves: the framework imports those while its own views are half loaded,
and these need the views.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class SchoolJWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.identity.api.authentication.SchoolJWTAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SchoolSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.identity.api.authentication.SchoolSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "homeroom_session"}
