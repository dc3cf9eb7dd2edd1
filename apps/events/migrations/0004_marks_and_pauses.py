"""Marks of passes under way, pauses of consumers, and a history that its school cannot rewrite."""

from django.contrib.postgres.functions import TransactionNow
from django.db import migrations, models
from django.db.models.functions import Now

import apps.events.models

# A school's role is named as its schema. Elsewhere (public, the template) nobody but the owner
# writes, or the tables are empty. The comment tells whoever grants rights again: kernel/roles.py.
APPEND_ONLY = """
COMMENT ON TABLE stored_event IS 'append-only: history is never changed';
DO $migration$
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = current_schema()) THEN
    EXECUTE format('REVOKE UPDATE, DELETE ON stored_event FROM %I', current_schema());
END IF;
END
$migration$;
"""
UNDO = """
COMMENT ON TABLE stored_event IS NULL;
DO $migration$
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = current_schema()) THEN
    EXECUTE format('GRANT UPDATE, DELETE ON stored_event TO %I', current_schema());
END IF;
END
$migration$;
"""


def event_fields():
    """What an event carries, wherever it lies: see models.EventRow."""
    return [
        ("id", models.BigAutoField(primary_key=True, serialize=False)),
        ("stream_type", models.TextField()),
        ("stream_id", models.UUIDField()),
        ("seq", models.IntegerField(default=0)),
        ("event_type", models.TextField()),
        ("version", models.SmallIntegerField()),
        ("payload", apps.events.models.PlainJSONField()),
        ("headers", apps.events.models.PlainJSONField(default=dict)),
        ("attempts", models.SmallIntegerField(db_default=0, default=0)),
        ("occurred_at", models.DateTimeField(db_default=Now())),
    ]


class Migration(migrations.Migration):
    dependencies = [("events", "0003_schools_see_their_own_announcements")]

    operations = [
        migrations.CreateModel(
            name="LaneMark",
            fields=[
                ("lane", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("unfinished", models.IntegerField(db_default=0, default=0)),
                ("careful", models.IntegerField(db_default=0, default=0)),
            ],
            options={"db_table": "lane_mark"},
        ),
        migrations.RunSQL("ALTER TABLE lane_mark SET UNLOGGED", "ALTER TABLE lane_mark SET LOGGED"),
        migrations.CreateModel(
            name="PausedConsumer",
            fields=[
                ("consumer", models.TextField(primary_key=True, serialize=False)),
                ("since", models.DateTimeField(db_default=Now())),
                ("paused_by", models.TextField()),
                ("reason", models.TextField(db_default="", default="")),
                ("resuming", models.BooleanField(db_default=False, default=False)),
            ],
            options={"db_table": "paused_consumer"},
        ),
        migrations.CreateModel(
            name="ParkedEvent",
            fields=[
                *event_fields(),
                ("event_id", models.UUIDField()),
                ("lane", models.SmallIntegerField(db_default=0, default=0)),
                ("consumer", models.TextField()),
                ("available_at", models.DateTimeField(db_default=TransactionNow())),
                ("last_error", models.TextField(db_default="", default="")),
            ],
            options={"db_table": "parked_event"},
        ),
        migrations.AddConstraint(
            model_name="parkedevent",
            constraint=models.UniqueConstraint(
                fields=["event_id", "consumer"], name="parked_event_once"
            ),
        ),
        migrations.AddIndex(
            model_name="parkedevent",
            index=models.Index(fields=["consumer", "lane", "id"], name="parked_event_order"),
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO),
    ]
