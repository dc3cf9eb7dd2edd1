"""/api/v1/activities/."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.activities import selectors
from apps.activities.api.serializers import ActivityFilter, ActivityInput, ActivitySerializer
from apps.activities.permissions import MANAGE_ACTIVITIES, VIEW_ACTIVITIES
from apps.activities.services import activities
from apps.activities.services.activities import ActivityDetails
from kernel.api import SchoolViewSet


def _valid(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class ActivityViewSet(SchoolViewSet):
    """Activities of the school, drafts included."""

    permissions = {
        "create": MANAGE_ACTIVITIES,
        "partial_update": MANAGE_ACTIVITIES,
        "publish": MANAGE_ACTIVITIES,
        "*": VIEW_ACTIVITIES,
    }
    serializer_class = ActivitySerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.activity_rows()

    @extend_schema(
        operation_id="activities_list",
        parameters=[
            OpenApiParameter("q", str, description="Words in the title or place."),
            OpenApiParameter("when", str, enum=[selectors.COMING, selectors.PAST, selectors.EVERY]),
        ],
        responses=ActivitySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Activities, the newest first."""
        wanted = _valid(ActivityFilter(data=request.query_params))
        rows = selectors.activity_rows(text=wanted["q"], when=wanted["when"])
        page = [selectors.activity_info(row) for row in self.paginate_queryset(rows) or []]
        return self.get_paginated_response(ActivitySerializer(page, many=True).data)

    @extend_schema(operation_id="activities_retrieve", responses=ActivitySerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One activity."""
        return Response(_activity(pk))

    @extend_schema(
        operation_id="activities_create",
        request=ActivityInput,
        responses={201: ActivitySerializer},
    )
    def create(self, request: Request) -> Response:
        """A draft, in the school's currency."""
        details = ActivityDetails(**_valid(ActivityInput(data=request.data)))
        activity_id = activities.create_activity(details=details, actor=request.user.get_username())
        return Response(_activity(activity_id), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="activities_update", request=ActivityInput, responses=ActivitySerializer
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change an activity; a field that is left out stays as it is."""
        change = _valid(ActivityInput(data=request.data, partial=True))
        known = selectors.get_activity(pk)
        kept = {name: getattr(known, name) for name in ActivityDetails.__dataclass_fields__}
        activities.update_activity(
            activity_id=pk,
            details=ActivityDetails(**{**kept, **change}),
            actor=request.user.get_username(),
        )
        return Response(_activity(pk))

    @extend_schema(operation_id="activities_publish", request=None, responses=ActivitySerializer)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: UUID) -> Response:
        """Show a draft to families."""
        activities.publish_activity(activity_id=pk, actor=request.user.get_username())
        return Response(_activity(pk))


def _activity(activity_id: UUID) -> Any:
    return ActivitySerializer(selectors.get_activity(activity_id)).data
