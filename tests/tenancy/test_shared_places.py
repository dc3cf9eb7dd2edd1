"""What all schools share (Redis, the folder of files, logs, the mail server) keeps them apart."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import structlog
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from django.db import connection, models, transaction

from apps.fees.tests import factories as fees
from apps.identity import facade as identity
from apps.identity.services import throttle
from apps.notifications import facade as notifications
from apps.website.services.documents import add_document
from apps.website.tests.factories import upload
from config import logs
from config.gateway import correlation
from kernel.files import SchoolStorage, media
from kernel.schools import in_public, in_school

LINCOLN, SAN_MARTIN = "t_000001", "t_000002"
BOTH = [LINCOLN, SAN_MARTIN]

# Cache ----------------------------------------------------------------------------------------


def test_the_same_key_is_another_one_in_each_school(school: Any, clear_cache: None) -> None:
    for schema_name in BOTH:
        with in_school(schema_name):
            cache.set("dashboard", schema_name)
            cache.set_many({"one": schema_name, "two": schema_name})
            cache.add("added", schema_name)
            cache.incr("visits") if cache.get("visits") else cache.set("visits", 1)
    with in_public():
        assert cache.get_many(["dashboard", "one", "two", "added", "visits"]) == {}
    for schema_name in BOTH:
        with in_school(schema_name):
            found = cache.get_many(["dashboard", "one", "two", "added"])
            assert set(found.values()) == {schema_name}
            assert len(found) == 4
            assert cache.get("visits") == 1
            cache.delete("dashboard")
    with in_school(LINCOLN):
        cache.set("kept", 1)
    with in_school(SAN_MARTIN):
        cache.delete_many(["kept"])
    with in_school(LINCOLN):
        assert cache.get("kept") == 1


def test_every_key_of_the_cache_names_its_school(school: Any) -> None:
    for schema_name in BOTH:
        with in_school(schema_name):
            assert cache.make_key("dashboard").startswith(f"{schema_name}:")  # type: ignore[attr-defined]


# Everything that goes to Redis ----------------------------------------------------------------

# Keys of the installation itself, each with its reason.
PLATFORM_KEYS = {
    r"(celery|owner)(\\x06\\x16\d)?": "the queues; the school is in each message",
    r"_kombu\..*|unacked.*": "Celery's own book-keeping of the queues",
    r"public:homeroom:\d+:tenants:[a-z-]+": "which hosts there are",
    r"outbox:bell": "whose outboxes have work, by number; for the one worker that attends",
}


@contextmanager
def redis_commands() -> Iterator[list[list[str]]]:
    """Every command that reaches this Redis database while the block runs."""
    client = redis.Redis.from_url(django_settings.REDIS_URL, decode_responses=True)
    number = client.connection_pool.connection_kwargs["db"]
    seen: list[list[str]] = []
    ready, end = threading.Event(), "the-recorder-may-stop"

    def listen() -> None:
        with client.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                if end in command["command"]:
                    return
                if command["db"] == number:
                    seen.append(_words(command["command"]))

    recorder = threading.Thread(target=listen, daemon=True)
    recorder.start()
    assert ready.wait(5)
    try:
        yield seen
    finally:
        client.echo(end)
        recorder.join(5)


def _words(command: str) -> list[str]:
    return command.split(" ")


def keys_of(commands: list[list[str]]) -> set[str]:
    client = redis.Redis.from_url(django_settings.REDIS_URL, decode_responses=True)
    found: set[str] = set()
    for words in commands:
        try:
            found |= set(client.command_getkeys(*words))
        except redis.ResponseError:
            continue  # PING, SELECT and the like name no key
    return found


def names_a_school(key: str) -> bool:
    return re.match(r"t_\d{6,}:", key) is not None


def a_day_at_school(role_client: Any, anonymous: Any, school: Any) -> None:
    """Pages, a wrong password, a forgotten one, a bill that becomes letters."""
    visitor = anonymous(school)
    visitor.get("/")
    visitor.post("/sign-in/", {"email": "nobody@example.org", "password": "wrong"})
    admin = role_client("admin", school, email="day@example.org")
    visitor.post("/password/forgotten/", {"email": "day@example.org"})
    for path in ("/portal/", "/portal/students/", "/portal/settings/"):
        admin.get(path, follow=True)
    with in_school(school.schema_name):
        room = fees.make_class("Room of the day")
        fees.make_family(room)
        fees.bill(room)
        cache.set("seen", 1)


def test_every_key_in_redis_names_a_school(
    client_for: Any,
    anonymous: Any,
    school: Any,
    other_school: Any,
    clear_cache: None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with redis_commands() as seen, django_capture_on_commit_callbacks(execute=True):
        for each in (school, other_school):
            a_day_at_school(client_for, anonymous, each)
    keys = keys_of(seen)
    stray = [
        key
        for key in keys
        if not names_a_school(key) and not any(re.fullmatch(p, key) for p in PLATFORM_KEYS)
    ]
    assert stray == []
    for schema_name in BOTH:
        assert any(key.startswith(f"{schema_name}:homeroom:") for key in keys)


# Rate limits ----------------------------------------------------------------------------------


def test_attempts_at_one_school_do_not_count_at_another(school: Any, anonymous: Any) -> None:
    form = {"email": "someone@example.org", "password": "wrong"}
    here = anonymous()
    answers = [here.post("/sign-in/", form).status_code for _ in range(12)]
    assert answers[-1] == 429
    with in_school(SAN_MARTIN) as other:
        assert anonymous(other).post("/sign-in/", form).status_code != 429
        assert throttle.SignInAttempt.objects.filter(count__gt=1).count() == 0


# Files ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(settings: Any, tmp_path: Any) -> Any:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def file_fields() -> list[models.FileField]:
    return [
        field
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        for field in model._meta.get_fields()
        if isinstance(field, models.FileField)
    ]


def test_every_file_of_a_row_is_stored_with_its_school() -> None:
    assert file_fields()
    for field in file_fields():
        storage = getattr(field.storage, "_wrapped", field.storage)
        assert isinstance(field.storage, SchoolStorage) or isinstance(storage, SchoolStorage), field


def test_the_same_name_is_another_file_in_each_school(school: Any, folder: Any) -> None:
    names = {}
    for schema_name in BOTH:
        with in_school(schema_name):
            document = add_document(title="Menu", upload=upload(), actor="office")
            names[schema_name] = document.file.name
            assert media().exists(f"{schema_name}/{document.file.name.removeprefix(schema_name)}")
    with in_school(SAN_MARTIN):
        storage = file_fields()[0].storage
        assert not storage.exists(names[LINCOLN])
        for way in (f"{LINCOLN}/{names[LINCOLN]}", f"../{LINCOLN}/{names[LINCOLN]}", "/etc/passwd"):
            with pytest.raises(SuspiciousFileOperation):
                storage.open(way)


def test_no_address_serves_files_past_the_views(anonymous: Any, school: Any, folder: Any) -> None:
    document = add_document(title="Menu", upload=upload(), actor="office")
    for path in (f"/media/{document.file.name}", f"/{document.file.name}", "/media/t_000001/"):
        assert anonymous().get(path).status_code == 404


# Logs -----------------------------------------------------------------------------------------


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    """log_lines(): what production would have written, line by line."""
    settings.LOG_JSON, settings.LOG_LEVEL = True, "INFO"
    written, root, before = io.StringIO(), logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure({})
    monkeypatch.setattr(correlation, "log", structlog.get_logger("homeroom.request"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines() if line[0] == "{"]
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def test_each_line_names_its_school_and_no_other(
    log_lines: Any, client_for: Any, school: Any, other_school: Any
) -> None:
    clients = {each.schema_name: client_for("admin", each) for each in (school, other_school)}
    before = len(log_lines())
    for _round in range(2):
        for client in clients.values():
            client.get("/portal/")
            client.get("/portal/students/0199f0c2-8a00-7000-8000-00000000aaaa/")
    lines = log_lines()[before:]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["school"] for line in requests] == [LINCOLN, LINCOLN, SAN_MARTIN, SAN_MARTIN] * 2
    warnings = [line for line in lines if line["logger"] == "django.request"]
    assert {line["school"] for line in warnings} == set(BOTH)
    names = {LINCOLN: SAN_MARTIN, SAN_MARTIN: LINCOLN}
    for line in lines:
        assert line.get("school") in names, line
        assert names[line["school"]] not in json.dumps(line)


# Mails ----------------------------------------------------------------------------------------


def letters_of(school: Any, mailbox: Any, drain: Any) -> list[str]:
    """Every kind of letter that a school sends in a day, as text and HTML."""
    mailbox.clear()
    with in_school(school.schema_name):
        with transaction.atomic():
            identity.invite_user(
                email="new@example.org", name="New", roles=["office"], invited_by="admin"
            )
        room = fees.make_class("Room 9")
        family = fees.make_family(room)
        fees.bill(room)
        drain()
        [invoice] = fees.owed(family.child)
        fees.pay(family, [(invoice.id, 10000)])
        drain()
        notifications.send_due()
    return [text for mail in mailbox for text in _texts(mail)]


def _texts(mail: Any) -> list[str]:
    return [mail.subject, mail.body, *(str(part[0]) for part in getattr(mail, "alternatives", []))]


def test_links_in_mails_lead_to_their_own_school(
    school: Any, other_school: Any, mailbox: Any, drain: Any
) -> None:
    for each, stranger in ((school, other_school), (other_school, school)):
        texts = letters_of(each, mailbox, drain)
        assert len(mailbox) >= 3
        found = {link for text in texts for link in re.findall(r"https?://[^\s\"'<>)]+", text)}
        assert {urlsplit(link).hostname for link in found} == {each.primary_host}
        for text in texts:
            assert stranger.primary_host not in text
            assert stranger.name not in text
            assert stranger.schema_name not in text
    assert connection.schema_name == school.schema_name
