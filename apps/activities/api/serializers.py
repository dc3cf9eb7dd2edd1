"""Activities on the wire."""

from typing import Any

from rest_framework import serializers

from apps.activities import selectors


class Moment(serializers.DateTimeField):
    """A time; at the very end of the calendar DRF itself fails on one without a zone."""

    def to_internal_value(self, value: Any) -> Any:
        try:
            return super().to_internal_value(value)
        except OverflowError:
            self.fail("overflow")


class ActivitySerializer(serializers.Serializer):
    """A club, trip or event with sign-up."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    place = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    signup_opens_at = serializers.DateTimeField(allow_null=True)
    signup_closes_at = serializers.DateTimeField(allow_null=True)
    places = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    confirmed_count = serializers.IntegerField()
    waiting_count = serializers.IntegerField()
    fee_minor = serializers.IntegerField(help_text="In minor units of the currency.")
    currency = serializers.CharField()
    status = serializers.CharField(help_text="draft, published or cancelled")
    needs_permission = serializers.BooleanField()


class ActivityInput(serializers.Serializer):
    """A new activity: a draft until it is published."""

    title = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    place = serializers.CharField(max_length=120, required=False, allow_blank=True)
    starts_at = Moment()
    ends_at = Moment()
    signup_opens_at = Moment(required=False, allow_null=True)
    signup_closes_at = Moment(required=False, allow_null=True)
    places = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=100_000
    )
    fee_minor = serializers.IntegerField(required=False, min_value=0, max_value=10**9)
    needs_permission = serializers.BooleanField(required=False)


class ActivityFilter(serializers.Serializer):
    """The filters of the list."""

    q = serializers.CharField(required=False, allow_blank=True, max_length=100, default="")
    when = serializers.ChoiceField(
        choices=[selectors.COMING, selectors.PAST, selectors.EVERY],
        required=False,
        default=selectors.EVERY,
    )
