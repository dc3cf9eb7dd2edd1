"""News as JSON."""

from typing import Any

from rest_framework import serializers

from apps.website.models import NewsPost


class NewsSerializer(serializers.ModelSerializer[NewsPost]):
    """A published post; `body` is Markdown."""

    class Meta:
        model = NewsPost
        fields = ("id", "slug", "title", "body", "pinned", "author_name", "published_at")
        read_only_fields = fields


class NewsInput(serializers.Serializer[Any]):
    """What to write. With `publish` true the public sees it at once."""

    title = serializers.CharField(max_length=120)
    body = serializers.CharField(max_length=50_000)
    author_name = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True
    )
    pinned = serializers.BooleanField(required=False, default=False)


class NewNewsInput(NewsInput):
    publish = serializers.BooleanField(required=False, default=True)
