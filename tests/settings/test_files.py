"""Each school's files stay in its folder, whatever name somebody asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import override_settings
from moto import mock_aws

from config.media import storage
from kernel import files
from kernel.schools import NoSchool, in_public

BAD_NAMES = [
    "../t_000002/documents/x.pdf",
    "documents/../../t_000002/x.pdf",
    "t_000002/documents/x.pdf",
    "t_000002",
    "/etc/passwd",
    "documents//x.pdf",
    "./x.pdf",
    "..",
    "",
    "documents\\x.pdf",
    "t_000001/../t_000002/x.pdf",
    "t_000001/t_000002/../../x",
    "x\x00.pdf",
]


@pytest.fixture
def theirs(school: Any, in_other_school: Callable[..., Any]) -> str:
    """A file of the other school."""
    with in_other_school():
        return default_storage.save("documents/x.pdf", ContentFile(b"theirs"))


def test_a_name_is_within_the_school_and_the_file_in_its_folder(school: Any) -> None:
    name = default_storage.save("documents/a.txt", ContentFile(b"ours"))

    assert name.startswith("documents/a")
    assert (Path(settings.MEDIA_ROOT) / "t_000001" / name).read_bytes() == b"ours"
    assert default_storage.size(name) == 4
    assert Path(name).name in default_storage.listdir("documents")[1]
    default_storage.delete(name)
    assert not default_storage.exists(name)


def test_the_same_name_in_another_school_is_another_file(
    theirs: str, in_other_school: Callable[..., Any]
) -> None:
    assert not default_storage.exists(theirs)
    with in_other_school(), default_storage.open(theirs) as file:
        assert file.read() == b"theirs"


def test_names_with_the_schools_own_folder_are_still_understood(school: Any) -> None:
    name = default_storage.save("t_000001/documents/old.txt", ContentFile(b"old"))

    assert name.startswith("documents/old")
    assert default_storage.open(f"t_000001/{name}").read() == b"old"


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_leads_out_of_the_folder(theirs: str, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        default_storage.open(name)
    with pytest.raises(SuspiciousFileOperation):
        default_storage.save(name, ContentFile(b"mine now"))
    with pytest.raises(SuspiciousFileOperation):
        default_storage.delete(name)
    with pytest.raises(SuspiciousFileOperation):
        default_storage.exists(name)


def test_without_a_school_no_file_is_read_or_written(db: None) -> None:
    with in_public(), pytest.raises(NoSchool):
        default_storage.save("x.txt", ContentFile(b"whose?"))
    with in_public(), pytest.raises(NoSchool):
        default_storage.open("x.txt")


def test_no_file_has_an_address_of_its_own(school: Any) -> None:
    with pytest.raises(ValueError, match="served by views"):
        default_storage.url("documents/a.txt")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The media storage in a bucket instead of a folder."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
        )
        client.create_bucket(Bucket="school-files")
        entry = storage("s3://k:s@school-files/media?region=us-east-1")
        with override_settings(STORAGES={**settings.STORAGES, "media": entry}):
            storages._storages.pop("media", None)
            yield client
        storages._storages.pop("media", None)


def test_a_bucket_holds_the_same_folders(school: Any, bucket: Any) -> None:
    name = default_storage.save("documents/a.txt", ContentFile(b"ours"))

    keys = [row["Key"] for row in bucket.list_objects_v2(Bucket="school-files")["Contents"]]
    assert keys == [f"media/t_000001/{name}"]
    assert default_storage.open(name).read() == b"ours"
    assert default_storage.listdir("documents")[1] == [Path(name).name]
    with pytest.raises(FileNotFoundError):
        default_storage.open("documents/none.txt")
    with pytest.raises(SuspiciousFileOperation):
        default_storage.open("t_000002/documents/a.txt")


@pytest.mark.parametrize("url", ["ftp://x/y", "s3://", "s3://bucket?acl=public", "bucket"])
def test_a_bad_address_of_a_bucket_is_told(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MEDIA_STORAGE_URL must look like s3://"):
        storage(url)


def test_an_address_with_everything() -> None:
    url = "s3://key:se%2Fcret@bucket/a/b?region=eu-west-1&endpoint=https://s3.example.org"

    options = storage(url)["OPTIONS"]

    assert (options["bucket_name"], options["location"]) == ("bucket", "a/b")
    assert (options["access_key"], options["secret_key"]) == ("key", "se/cret")
    assert options["endpoint_url"] == "https://s3.example.org"


def test_the_folder_of_a_school_is_named_as_its_schema(school: Any) -> None:
    assert files.school_folder() == "t_000001"
