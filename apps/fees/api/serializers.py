"""Fees and invoices on the wire. Amounts are integers in minor units of `currency`."""

from rest_framework import serializers

from apps.fees.models import Fee


class FeeSerializer(serializers.ModelSerializer):
    """A fee of the catalogue."""

    class Meta:
        model = Fee
        fields = [
            "id",
            "name",
            "category",
            "description",
            "amount_minor",
            "currency",
            "due_rule",
            "due_days",
            "due_date",
            "version",
            "is_archived",
        ]
        read_only_fields = fields


class FeeInput(serializers.Serializer):
    """A new fee, in the school's currency."""

    category_id = serializers.UUIDField()
    name = serializers.CharField(max_length=120)
    amount_minor = serializers.IntegerField(min_value=1, max_value=10**12)
    description = serializers.CharField(max_length=300, required=False, default="")
    due_rule = serializers.ChoiceField(choices=Fee.DueRule.choices, default="days")
    due_days = serializers.IntegerField(min_value=0, max_value=365, default=14)
    due_date = serializers.DateField(required=False, allow_null=True, default=None)


class FeeFilter(serializers.Serializer):
    q = serializers.CharField(required=False, default="", max_length=100, allow_blank=True)
    archived = serializers.BooleanField(required=False, default=False)


class ChargeSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    description = serializers.CharField()
    amount_minor = serializers.IntegerField()
    why = serializers.CharField()
    booked_on = serializers.DateField()


class InvoiceSerializer(serializers.Serializer):
    """An invoice with its computed balance and status."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    title = serializers.CharField()
    student_id = serializers.UUIDField()
    student_name = serializers.CharField()
    class_name = serializers.CharField()
    issued_on = serializers.DateField()
    due_on = serializers.DateField()
    currency = serializers.CharField()
    charged_minor = serializers.IntegerField()
    paid_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    status = serializers.CharField()


class InvoiceDetailSerializer(InvoiceSerializer):
    lines = ChargeSerializer(many=True)


class InvoiceFilter(serializers.Serializer):
    q = serializers.CharField(required=False, default="", max_length=100, allow_blank=True)
    status = serializers.ChoiceField(
        choices=["", "open", "overdue", "paid", "void"], required=False, default=""
    )
    student = serializers.UUIDField(required=False, allow_null=True, default=None)
    due_from = serializers.DateField(required=False, allow_null=True, default=None)
    due_to = serializers.DateField(required=False, allow_null=True, default=None)
