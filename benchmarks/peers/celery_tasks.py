"""One Celery task an event: its receipt and its effect in one transaction."""

import os

from celery import Celery
from django.db import connection, transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.celery_settings")
RECEIPT = "INSERT INTO receipt (event_id, consumer) VALUES (%s, 'bench') ON CONFLICT DO NOTHING"
EFFECT = "INSERT INTO bench_effect (event_id) VALUES (%s)"

app = Celery("peer", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="count")
def count(event_id: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RECEIPT, [event_id])
        if cursor.rowcount:
            cursor.execute(EFFECT, [event_id])
