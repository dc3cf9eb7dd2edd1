"""DRF's default permission and parser. DRF imports them before its own views, so they stand
alone."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel.access import allowed


class HasDeclaredPermission(BasePermission):
    """Reads the view's `permissions` ({action: codename}, "*" for all others) or `permission`.

    A view that declares nothing is refused.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        action = getattr(view, "action", None)
        declared = getattr(view, "permissions", None) or {"*": getattr(view, "permission", "")}
        if action is None and hasattr(view, "action_map") and "*" not in declared:
            # A method the resource does not have: on to the 405, for people we know.
            return bool(request.user.is_authenticated)
        # OPTIONS ("metadata") needs what reading needs.
        action = "list" if action in (None, "metadata") else action
        permission = declared.get(action, declared.get("*", ""))
        return bool(permission) and allowed(request.user, permission)


class BoundedJSONParser(JSONParser):
    """JSON, where nesting that is deeper than Python can follow is a bad request, not a 500."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
