"""What a consumer leaves behind. No constraint guards it: a doubled effect must be seen."""

from uuid import UUID

from django.db import connection


def note_effect(consumer: str, event_id: UUID, stream_id: UUID, number: int) -> None:
    """One row in the open school, in the transaction that is open or in one of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chaos_effect (consumer, event_id, stream_id, number)"
            " VALUES (%s, %s, %s, %s)",
            [consumer, event_id, stream_id, number],
        )
