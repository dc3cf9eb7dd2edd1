"""News over HTTP: everybody reads what is published, editors write."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from apps.website import selectors
from apps.website.api.serializers import NewNewsInput, NewsInput, NewsSerializer
from apps.website.models import NewsPost
from apps.website.permissions import EDIT_SITE
from apps.website.services import news
from kernel.access import PUBLIC
from kernel.api import SchoolViewSet


class NewsViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolViewSet):
    """The school's news. Lists hold published posts only, newest first."""

    permissions = {"list": PUBLIC, "retrieve": PUBLIC, "*": EDIT_SITE}
    serializer_class = NewsSerializer
    queryset = NewsPost.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[NewsPost]:
        return selectors.published_news()

    @extend_schema(request=NewNewsInput, responses={201: NewsSerializer})
    def create(self, request: Request) -> Response:
        """Write a post and, unless `publish` is false, publish it."""
        values = _valid(NewNewsInput(data=request.data))
        post = news.write_news(actor=str(getattr(request.user, "email", "")), **values)
        return Response(NewsSerializer(post).data, status=201)

    @extend_schema(request=NewsInput, responses=NewsSerializer)
    def update(self, request: Request, pk: UUID) -> Response:
        """Replace the text of a post; its address stays."""
        post = news.change_news(news_id=pk, **_valid(NewsInput(data=request.data)))
        return Response(NewsSerializer(post).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Delete a post for good."""
        news.delete_news(news_id=pk)
        return Response(status=204)


def _valid(given: NewsInput) -> dict[str, Any]:
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
