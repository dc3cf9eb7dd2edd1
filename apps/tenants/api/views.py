"""GET and PATCH /api/v1/school/: the school that the host or token belongs to."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants.api.serializers import SchoolChangeSerializer, SchoolSerializer
from apps.tenants.api.settings_serializers import (
    SchoolSettingsSerializer,
    flat,
    path_of,
    represent,
)
from apps.tenants.permissions import CHANGE_SETTINGS, OPEN_SETTINGS, VIEW_SETTINGS
from apps.tenants.selectors import current_school_info
from apps.tenants.services.rules import all_settings
from apps.tenants.services.settings import change_settings, update_settings
from kernel.api import SchoolViewSet
from kernel.errors import DomainError
from kernel.schools import current_school, in_public, in_school


class SchoolSettingsViewSet(SchoolViewSet):
    """The school's own settings."""

    permissions: ClassVar[dict[str, str]] = {
        "retrieve": VIEW_SETTINGS,
        "partial_update": CHANGE_SETTINGS,
        "*": VIEW_SETTINGS,
    }
    serializer_class = SchoolSerializer

    @extend_schema(operation_id="school_retrieve", responses=SchoolSerializer)
    def retrieve(self, request: Request) -> Response:
        """The school's settings."""
        return Response(SchoolSerializer(current_school_info()).data)

    @extend_schema(
        operation_id="school_update", request=SchoolChangeSerializer, responses=SchoolSerializer
    )
    def partial_update(self, request: Request) -> Response:
        """Change some settings. They apply at once; the currency and the address are fixed."""
        change = SchoolChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        info = update_settings(
            school_id=current_school().id,
            actor=str(getattr(request.user, "email", "")),
            **change.validated_data,
        )
        return Response(SchoolSerializer(info).data)


class AllSettingsViewSet(SchoolViewSet):
    """Every setting of the school, by group."""

    permissions: ClassVar[dict[str, str]] = {
        "retrieve": VIEW_SETTINGS,
        "partial_update": OPEN_SETTINGS,
        "*": VIEW_SETTINGS,
    }
    serializer_class = SchoolSettingsSerializer

    @extend_schema(operation_id="school_settings_retrieve", responses=SchoolSettingsSerializer)
    def retrieve(self, request: Request) -> Response:
        """All settings, with their defaults where the school set nothing."""
        return Response(represent())

    @extend_schema(
        operation_id="school_settings_update",
        request=SchoolSettingsSerializer,
        responses=SchoolSettingsSerializer,
    )
    def partial_update(self, request: Request) -> Response:
        """Change some settings, all of those given or none. They hold from the next request on.

        Each has its own permission (403 names it); the currency is refused with 409 once
        something is booked in it."""
        change = SchoolSettingsSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        school = current_school()
        user: Any = request.user
        held = {s.permission for s in all_settings() if user.can(s.permission)}
        try:
            change_settings(
                school_id=school.id,
                values=flat(change.validated_data),
                actor=str(getattr(request.user, "email", "")),
                permissions=held,
            )
        except DomainError as error:
            error.field = path_of(error.field) if error.field else None
            raise
        return Response(_as_it_is_now(school))


def _as_it_is_now(school: Any) -> dict[str, Any]:
    """The School that this request opened is from before the change."""
    with in_public(), in_school(school.schema_name):
        return represent()
