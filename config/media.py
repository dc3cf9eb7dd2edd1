"""Where uploaded files are kept: a folder (MEDIA_ROOT), or a bucket by MEDIA_STORAGE_URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "s3://bucket/prefix?region=eu-west-1&endpoint=https://s3.example.org"
_QUERY = {"region": "region_name", "endpoint": "endpoint_url"}


def storage(url: str, *, name: str = "MEDIA_STORAGE_URL") -> dict[str, Any]:
    """An entry of STORAGES. "" is a folder on disk; s3://key:secret@bucket/prefix a bucket.

    Without key and secret, the usual AWS environment variables or the machine's role are used.
    """
    if not url:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "s3" or not parts.hostname or set(query) - set(_QUERY):
        raise ImproperlyConfigured(f"{name} must look like {EXAMPLE}.")
    options: dict[str, Any] = {
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        "default_acl": None,
        "file_overwrite": False,
        "querystring_auth": True,
        **{_QUERY[key]: values[-1] for key, values in query.items()},
    }
    if parts.username:
        options["access_key"] = unquote(parts.username)
        options["secret_key"] = unquote(parts.password or "")
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
