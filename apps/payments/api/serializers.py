"""Payments on the wire. Amounts are minor units of the currency beside them."""

from __future__ import annotations

from rest_framework import serializers

from apps.payments.contracts import PAYMENT_STATUSES


class LineSerializer(serializers.Serializer):
    reference = serializers.CharField()
    description = serializers.CharField()
    amount_minor = serializers.IntegerField()


class RefundSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    payment_id = serializers.UUIDField()
    status = serializers.CharField(
        help_text="waiting_approval, requested, pending, succeeded or failed"
    )
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()
    reason = serializers.CharField()
    requested_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    failure = serializers.CharField()
    external = serializers.BooleanField()


class PaymentSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    status = serializers.CharField(help_text=", ".join(PAYMENT_STATUSES))
    currency = serializers.CharField()
    amount_minor = serializers.IntegerField()
    cover_minor = serializers.IntegerField(
        help_text="what of amount_minor the payer adds for the cost of processing"
    )
    captured_minor = serializers.IntegerField()
    refunded_minor = serializers.IntegerField()
    refundable_minor = serializers.IntegerField()
    disputed_minor = serializers.IntegerField()
    lost_minor = serializers.IntegerField()
    description = serializers.CharField()
    payer_id = serializers.UUIDField()
    payer_name = serializers.CharField()
    payer_email = serializers.CharField()
    provider = serializers.CharField()
    method = serializers.CharField()
    test_mode = serializers.BooleanField()
    started_at = serializers.DateTimeField()
    captured_at = serializers.DateTimeField(allow_null=True)
    lines = LineSerializer(many=True)
    refunds = RefundSerializer(many=True)


class PaymentFilter(serializers.Serializer):
    q = serializers.CharField(required=False, default="", allow_blank=True, max_length=100)
    status = serializers.ChoiceField(
        choices=PAYMENT_STATUSES, required=False, default="", allow_blank=True
    )
    since = serializers.DateField(required=False, default=None)
    until = serializers.DateField(required=False, default=None)


class RefundRequestSerializer(serializers.Serializer):
    amount_minor = serializers.IntegerField(min_value=1, max_value=10**12)
    reason = serializers.CharField(max_length=300)
