"""The base of every API viewset."""

from typing import ClassVar

from rest_framework.viewsets import GenericViewSet

from kernel.paging import Page
from kernel.rest import HasDeclaredPermission

__all__ = ["HasDeclaredPermission", "Page", "SchoolViewSet"]


class SchoolViewSet(GenericViewSet):
    """A viewset inside a school. Subclasses set `permissions`, `queryset` and serializers."""

    permissions: ClassVar[dict[str, str]] = {}
    permission_classes = [HasDeclaredPermission]
    pagination_class = Page
