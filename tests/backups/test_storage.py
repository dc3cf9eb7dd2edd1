"""Backups in an S3-compatible bucket, over HTTP; and in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from moto.server import ThreadedMotoServer

from apps.tenants.models import Backup, School
from apps.tenants.services.backup import retention
from apps.tenants.services.backup import shelf as shelves
from apps.tenants.services.backup.restoring import restore_in_place
from apps.tenants.services.backup.sources import find_source
from apps.tenants.services.backup.take import take_backup
from apps.tenants.services.backup.verify import verify_backup
from config import backups
from kernel.errors import Unavailable
from kernel.schools import in_public
from tests.backups.conftest import all_counts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(shelf: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on a server of its own, as BACKUP_STORAGE names it."""
    for variable in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    name = f"backups-{uuid4().hex}"  # the servers of one process share their buckets
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    made = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="sec/ret",
    ).create_bucket(Bucket=name)
    place = f"s3://key:sec%2Fret@{name}/school?region=us-east-1&endpoint={endpoint}"
    settings.STORAGES = {**settings.STORAGES, "backups": backups.storage(place)}
    yield made
    server.stop()


def test_there_and_back_over_http(committed_school: School, bucket: Any) -> None:
    before = all_counts()
    row = take_backup(school_id=1, actor="beat")
    stored = list(bucket.objects.all())
    assert [item.key for item in stored] == [f"school/{row.key}"]
    assert stored[0].size == row.size
    assert list(shelves.keys()) == [row.key]
    source = find_source(row.key)
    assert verify_backup(source=source).rows == row.rows
    restore_in_place(source=source, school_id=1, actor="x")
    after = all_counts()
    assert {**after, "django_session": 0} == {**before, "django_session": 0}


def test_an_upload_that_breaks_leaves_nothing(
    committed_school: School, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.client import BaseClient

    def broken(self: Any, operation: str, parameters: Any) -> Any:
        raise OSError("connection reset")

    monkeypatch.setattr(BaseClient, "_make_api_call", broken)
    with pytest.raises(Unavailable, match="connection reset"):
        take_backup(school_id=1, actor="beat")
    monkeypatch.undo()
    assert list(bucket.objects.all()) == []
    with in_public():
        assert Backup.objects.get().state == "failed"


def test_retention_removes_the_object(committed_school: School, bucket: Any) -> None:
    old = take_backup(school_id=1, actor="beat")
    with in_public():
        Backup.objects.filter(pk=old.pk).update(started_at="2020-01-01T00:00Z")
    new = take_backup(school_id=1, actor="beat")
    with in_public():
        # Fifteen newer ones fill every day, week and month that is kept.
        for month in range(1, 16):
            day = f"20{20 + month // 12 + 1}-{month % 12 + 1:02d}-01T00:00Z"
            Backup.objects.create(
                school_id=1, school_name="x", key=f"x/{month}", state="done", started_at=day
            )
    assert retention.prune_backups() > 0
    assert [item.key for item in bucket.objects.all()] == [f"school/{new.key}"]


def test_addresses_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="BACKUP_STORAGE"):
        backups.storage("ftp://example.org/backups")


def test_a_folder() -> None:
    entry = backups.storage("/var/backups/homeroom")
    assert entry["OPTIONS"]["location"] == "/var/backups/homeroom"
