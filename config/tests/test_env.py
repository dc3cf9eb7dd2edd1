"""Settings from the environment say what is wrong."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.embedded import ROOT

PROD = {
    "DJANGO_SETTINGS_MODULE": "config.settings.prod",
    "SECRET_KEY": "k8f0" * 4 + "Qz7-Wm3_Xp5vBn1LtYc9RdEs2GhJ4aUoI6qKf0b",
    "FIELD_ENCRYPTION_KEY": "j3d9" * 4 + "Aw8-Vb2_Nm6xCz4KuTe7PrQs1FyHoL5iQx9wZ3m",
    "PLATFORM_DOMAIN": "homeroom.example",
    "EMAIL_URL": "smtp://user:password@mail.example:587",
    "DATABASE_URL": "postgresql://homeroom@db/homeroom",
    "REDIS_URL": "redis://cache/0",
    "SANDBOX_URL": "",
}


SHOW = "from django.conf import settings; print(settings.DEBUG, settings.PLATFORM_DOMAIN)"


def start(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    values = {**PROD, **changes}
    environment = {key: value for key, value in values.items() if value is not None}
    return subprocess.run(
        [sys.executable, *(arguments or ("-c", SHOW))],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_when_all_is_set() -> None:
    result = start()
    assert result.stdout.split() == ["False", "homeroom.example"], result.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "django-insecure-" + "x1y2z3a4b5" * 6}, "SECRET_KEY must be random"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be random"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY must be random"),
        ({"FIELD_ENCRYPTION_KEY": None}, "FIELD_ENCRYPTION_KEY is not set"),
        ({"DEBUG": "1"}, "DEBUG is set"),
        ({"DEBUG": "maybe"}, "use 1 or 0"),
        ({"SANDBOX_URL": "http://localhost:8001"}, "SANDBOX_URL is set"),
        ({"DATABASE_URL": None}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "host=db nonsense"}, "is not a PostgreSQL address"),
        ({"DATABASE_URL": "postgresql://db/"}, "names no database"),
        ({"REDIS_URL": None}, "REDIS_URL is not set"),
        ({"PLATFORM_DOMAIN": None}, "PLATFORM_DOMAIN is not set"),
        ({"PLATFORM_DOMAIN": ""}, "PLATFORM_DOMAIN is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"EMAIL_URL": "mail.example"}, "EMAIL_URL must look like"),
        ({"EMAIL_URL": "smtp://mail.example:submission"}, "EMAIL_URL must look like"),
    ],
)
def test_production_refuses_to_start(changes: dict[str, str | None], words: str) -> None:
    result = start(**changes)
    assert result.returncode != 0
    assert "ImproperlyConfigured" in result.stderr
    assert words in result.stderr


def test_the_demo_with_its_known_password_stays_out_of_production() -> None:
    result = start("-m", "config.demo")
    assert result.returncode == 1
    assert "nothing was loaded" in result.stderr


def test_a_password_in_a_bad_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense hunter2 =")
    with pytest.raises(ImproperlyConfigured) as caught:
        env.database()
    assert "hunter2" not in str(caught.value)


def test_number_says_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "many")
    with pytest.raises(ImproperlyConfigured, match="whole number"):
        env.number("WORKERS", 2)


def test_a_mail_password_is_written_as_in_any_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://me%40example.org:a%2Fb%2Bc@mail.example")
    assert env.mail_server() == ("mail.example", 587, "me@example.org", "a/b+c")
