"""The school's settings on the wire."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.tenants.contracts import SchoolInfo


class SchoolSerializer(serializers.Serializer[SchoolInfo]):
    """The school as its own systems see it."""

    name = serializers.CharField()
    slug = serializers.CharField()
    domain = serializers.CharField(help_text="Primary host name, without port.")
    status = serializers.CharField()
    language = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217 code of every amount of this school.")
    time_zone = serializers.CharField(help_text="IANA name.")
    tagline = serializers.CharField()
    colour = serializers.CharField(help_text="#rrggbb")
    contact_email = serializers.CharField()
    contact_phone = serializers.CharField()
    address = serializers.CharField()


class SchoolChangeSerializer(serializers.Serializer[dict[str, str]]):
    """The settings that may be changed; a field that is left out stays as it is."""

    name = serializers.CharField(required=False, max_length=120)
    tagline = serializers.CharField(required=False, allow_blank=True, max_length=160)
    colour = serializers.CharField(required=False, max_length=7, help_text="#rrggbb")
    language = serializers.CharField(required=False, max_length=8)
    time_zone = serializers.CharField(required=False, max_length=64)
    contact_email = serializers.CharField(required=False, allow_blank=True, max_length=254)
    contact_phone = serializers.CharField(required=False, allow_blank=True, max_length=40)
    address = serializers.CharField(required=False, allow_blank=True, max_length=400)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A field that cannot be changed is refused, not dropped: the caller must know."""
        fixed = sorted(set(self.initial_data) - set(self.fields))
        if fixed:
            raise serializers.ValidationError(
                {field: _("This cannot be changed here.") for field in fixed}
            )
        return attrs
