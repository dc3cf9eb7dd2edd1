"""What goes in and out of the token endpoints."""

from typing import Any

from rest_framework import serializers


class PlainCharField(serializers.CharField):
    """Text only: DRF's own field also takes numbers and booleans."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Credentials(serializers.Serializer):
    email = PlainCharField(max_length=254)
    password = PlainCharField(max_length=256, trim_whitespace=False, write_only=True)
    scope = PlainCharField(
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text='"read", or "read write" (the default).',
    )


class RefreshInput(serializers.Serializer):
    refresh = PlainCharField(max_length=4096)


class TokenPairOutput(serializers.Serializer):
    access = serializers.CharField(help_text="Send it as: Authorization: Bearer <access>.")
    refresh = serializers.CharField(help_text="Works once; the answer brings the next one.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires.")
    scope = serializers.CharField()


class MeOutput(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    language = serializers.CharField(help_text="Empty: the school's language.")
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Everything the roles may do."
    )
    school = serializers.CharField(help_text="The school's name.")
