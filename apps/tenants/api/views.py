"""GET and PATCH /api/v1/school/: the school that the host or token belongs to."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants.api.serializers import SchoolChangeSerializer, SchoolSerializer
from apps.tenants.permissions import CHANGE_SETTINGS, VIEW_SETTINGS
from apps.tenants.selectors import current_school_info
from apps.tenants.services.settings import update_settings
from kernel.api import SchoolViewSet
from kernel.schools import current_school


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
