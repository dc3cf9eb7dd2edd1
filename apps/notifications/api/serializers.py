"""Messages as JSON: never with the recipient's personal link."""

from rest_framework import serializers

from apps.notifications.models import Attempt, Message


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message and where it stands."""

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id",
            "kind",
            "to_address",
            "to_name",
            "guardian_id",
            "language",
            "subject",
            "status",
            "tries",
            "last_error",
            "created_at",
            "sent_at",
        )
        read_only_fields = fields


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One try to hand the message to the mail server."""

    class Meta:
        model = Attempt
        fields = ("at", "outcome", "error")
        read_only_fields = fields


class MessageDetailSerializer(MessageSerializer):
    """With its text, in which a placeholder stands for the personal link, and every try."""

    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "body_text", "attempts")
        read_only_fields = fields
