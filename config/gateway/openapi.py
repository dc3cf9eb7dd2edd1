"""The OpenAPI 3.1 document: each operation with the refusals it can meet."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
# Which refusals a method can meet, whatever the resource.
REFUSALS = {
    "get": (400, 401, 403, 404),
    "post": (400, 401, 403, 404, 409, 415, 422),
    "put": (400, 401, 403, 404, 409, 415, 422),
    "patch": (400, 401, 403, 404, 409, 415, 422),
    "delete": (401, 403, 404, 409),
}


class ProblemAutoSchema(AutoSchema):
    """Documents the refusals of each operation beside its success."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        for status in REFUSALS.get(self.method.lower(), ()):
            responses.setdefault(str(status), _refusal(status))
        return responses


def _refusal(status: int) -> dict[str, Any]:
    from config.gateway.problems import PROBLEM_JSON, TITLES

    return {
        "description": TITLES[status],
        "content": {PROBLEM_JSON: {"schema": PROBLEM_SCHEMA}},
    }
