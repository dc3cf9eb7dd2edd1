"""The tables of the outbox and of the event store. Every school has its own set.

The one shared table, public.outbox_ready, holds no school's data and is not a model: it is
reached, always by its qualified name, in services/announcements.py only.
"""

import json
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models.functions import Now
from psycopg.types.json import Json

from kernel.ids import uuid7
from kernel.models import SchoolModel


class PlainJSONField(models.JSONField):
    """A `json` column: kept as it was written and read about 15 % faster than `jsonb`."""

    def db_type(self, connection: Any) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if value is None or hasattr(value, "as_sql") else Json(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class TransactionIdField(models.Field):
    """PostgreSQL's 64-bit transaction id: tells readers which rows are settled."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class Uuidv7(models.Func):
    """Time-ordered id made by the database, for rows written by hand."""

    function = "uuidv7"
    template = "%(function)s()"
    output_field = models.UUIDField()


class CurrentTransaction(models.Func):
    """The id of the transaction that writes the row."""

    function = "pg_current_xact_id"
    template = "%(function)s()"
    output_field = TransactionIdField()


CARRIED = (
    *("event_id", "stream_type", "stream_id", "seq", "event_type", "version"),
    *("payload", "headers", "occurred_at"),
)


class EventRow(SchoolModel):
    """What an event carries, wherever it lies."""

    id = models.BigAutoField(primary_key=True)
    stream_type = models.TextField()
    stream_id = models.UUIDField()
    seq = models.IntegerField(default=0)
    event_type = models.TextField()
    version = models.SmallIntegerField()
    payload = PlainJSONField()
    headers = PlainJSONField(default=dict)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def carried(self) -> dict[str, Any]:
        """The event itself, for a row of another table that takes it over: what has become of it
        here stays behind."""
        return {name: getattr(self, name) for name in CARRIED}


class OutboxEvent(EventRow):
    """An event that waits for its handlers; deleted when all of them are done."""

    event_id = models.UUIDField(unique=True, default=uuid7, db_default=Uuidv7())
    lane = models.SmallIntegerField(default=0, db_default=0)
    # Counts from the first failure on; until then the announcement alone says what is due.
    available_at = models.DateTimeField(db_default=TransactionNow())
    last_error = models.TextField(default="", db_default="")

    class Meta:
        db_table = "outbox_event"
        indexes = [
            models.Index(fields=["lane", "id"], name="outbox_event_lane"),
            models.Index(
                fields=["stream_id", "id"],
                name="outbox_event_held_back",
                condition=models.Q(attempts__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} v{self.version} {self.event_id}"


class Receipt(SchoolModel):
    """Proof that a consumer has handled an event; written with its effect."""

    pk = models.CompositePrimaryKey("event_id", "consumer")
    event_id = models.UUIDField()
    consumer = models.TextField()
    handled_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "receipt"

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"


class ExternalDelivery(EventRow):
    """A call to the outside that is owed: claimed with a lease, made with no transaction open.

    `available_at` is the next try or, while `lease` is set, the end of the running one.
    """

    event_id = models.UUIDField()
    consumer = models.TextField()
    lease = models.UUIDField(null=True)
    available_at = models.DateTimeField(db_default=TransactionNow())
    last_error = models.TextField(default="", db_default="")

    class Meta:
        db_table = "external_delivery"
        constraints = [
            models.UniqueConstraint(fields=["event_id", "consumer"], name="external_delivery_once")
        ]
        indexes = [
            models.Index(fields=["stream_id", "consumer", "id"], name="external_delivery_stream"),
            models.Index(fields=["available_at"], name="external_delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"


class PausedConsumer(SchoolModel):
    """A consumer that a person has stopped: its events are parked. Once `resuming`, they are
    handled, and the row goes when none is left."""

    consumer = models.TextField(primary_key=True)
    since = models.DateTimeField(db_default=Now())
    paused_by = models.TextField()
    reason = models.TextField(default="", db_default="")
    resuming = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "paused_consumer"

    def __str__(self) -> str:
        return self.consumer


class ParkedEvent(EventRow):
    """An event that waits for one paused consumer; the others have handled it."""

    event_id = models.UUIDField()
    lane = models.SmallIntegerField(default=0, db_default=0)
    consumer = models.TextField()
    available_at = models.DateTimeField(db_default=TransactionNow())
    last_error = models.TextField(default="", db_default="")

    class Meta:
        db_table = "parked_event"
        constraints = [
            models.UniqueConstraint(fields=["event_id", "consumer"], name="parked_event_once")
        ]
        indexes = [models.Index(fields=["consumer", "lane", "id"], name="parked_event_order")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_type} {self.event_id}"


class LaneMark(SchoolModel):
    """Passes over a lane that began and did not end, since the last that did: each is a worker
    that died. While `careful` counts down, events are handled one by one.

    The table is unlogged: it costs no wait for the disk, and a crash of the server empties it.
    """

    lane = models.SmallIntegerField(primary_key=True)
    unfinished = models.IntegerField(default=0, db_default=0)
    careful = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "lane_mark"

    def __str__(self) -> str:
        return f"lane {self.lane}: {self.unfinished}"


class DeadLetter(EventRow):
    """An event that one consumer could not handle; waits for a person."""

    class Resolution(models.TextChoices):
        OPEN = ""
        RETRIED = "retried"
        DISCARDED = "discarded"

    event_id = models.UUIDField()
    lane = models.SmallIntegerField(default=0, db_default=0)
    consumer = models.TextField()
    error = models.TextField()
    failed_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True)
    resolution = models.TextField(choices=Resolution, default=Resolution.OPEN, db_default="")

    class Meta:
        db_table = "dead_letter"
        indexes = [
            models.Index(fields=["event_id"], name="dead_letter_event"),
            models.Index(
                fields=["id"],
                name="dead_letter_open",
                condition=models.Q(resolved_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_type} {self.event_id}"


class StoredEventRow(SchoolModel):
    """One fact in an aggregate's history. The database refuses to change or remove it."""

    id = models.BigAutoField(primary_key=True)
    stream_id = models.UUIDField()
    version = models.IntegerField()
    event_type = models.TextField()
    schema_version = models.SmallIntegerField()
    payload = PlainJSONField()
    metadata = PlainJSONField(default=dict)
    txid = TransactionIdField(db_default=CurrentTransaction(), editable=False)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "stored_event"
        constraints = [
            models.UniqueConstraint(
                fields=["stream_id", "version"], name="stored_event_stream_version"
            )
        ]
        indexes = [models.Index(fields=["txid", "id"], name="stored_event_settled")]

    def __str__(self) -> str:
        return f"{self.event_type} {self.stream_id}/{self.version}"


class Snapshot(SchoolModel):
    """The folded state of a long stream, as of a version; may be thrown away at any time."""

    stream_id = models.UUIDField(primary_key=True)
    version = models.IntegerField()
    state_schema = models.SmallIntegerField()
    state = PlainJSONField()

    class Meta:
        db_table = "snapshot"

    def __str__(self) -> str:
        return f"{self.stream_id}/{self.version}"


class ProjectionPosition(SchoolModel):
    """How far a projection has read the event store."""

    name = models.TextField(primary_key=True)
    txid = TransactionIdField()
    event = models.BigIntegerField(db_column="id")

    class Meta:
        db_table = "projection_position"

    def __str__(self) -> str:
        return self.name
