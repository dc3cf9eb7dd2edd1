"""Messages over HTTP, to read."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.notifications import selectors
from apps.notifications.api.serializers import MessageDetailSerializer, MessageSerializer
from apps.notifications.models import Message
from apps.notifications.permissions import VIEW_MESSAGES
from kernel.api import SchoolViewSet


class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolViewSet):
    """What the school has written to people, newest first."""

    permissions = {"*": VIEW_MESSAGES}
    serializer_class = MessageSerializer
    queryset = Message.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Message]:
        if self.action == "retrieve":
            return Message.objects.prefetch_related("attempts")
        return selectors.list_messages(
            search=self.request.query_params.get("q", "").replace("\x00", "")[:100],
            status=self.request.query_params.get("status", ""),
            kind=self.request.query_params.get("kind", ""),
        )

    def get_serializer_class(self) -> type[BaseSerializer[Message]]:
        return MessageDetailSerializer if self.action == "retrieve" else MessageSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, description="Words in the address, name or subject."),
            OpenApiParameter("status", str, enum=Message.Status.values),
            OpenApiParameter("kind", str, enum=Message.Kind.values),
        ]
    )
    def list(self, request: Request) -> Response:
        """Messages, filtered by words, status and kind."""
        return super().list(request)
