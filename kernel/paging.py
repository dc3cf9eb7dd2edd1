"""API pages by cursor (named in the settings)."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class Page(CursorPagination):
    """Pages that stay put while rows are added; newest first by the time-ordered key."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Any:
        """The cursor of the request. Raises NotFound for one that we did not make: its position
        goes into a comparison with the key."""
        cursor = super().decode_cursor(request)
        try:
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except ValueError:
            raise NotFound(self.invalid_cursor_message) from None
        return cursor
