"""Settings from environment variables, with errors that say what to set."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """The variable, or the default. Raises ImproperlyConfigured when it has neither; an empty
    variable is as good as none where there is no default."""
    value = os.environ.get(name, default)
    if value is None or (default is None and not value.strip()):
        raise ImproperlyConfigured(f"{name} is not set. The README lists what production needs.")
    return value


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, str(default)).strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; use 1 or 0.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number.") from None


def days(name: str) -> dict[str, int | None]:
    """Periods by name from "rule=90,other=" (an empty one is None: that rule is off)."""
    parts = [part.partition("=") for part in text(name, "").split(",") if part.strip()]
    try:
        return {key.strip(): int(value) if value.strip() else None for key, _is, value in parts}
    except ValueError:
        raise ImproperlyConfigured(f"{name} must look like rule=90,other=365 (days).") from None


def database(name: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's database settings from a libpq connection string or URL."""
    try:
        parts = conninfo_to_dict(text(name))
    except ProgrammingError as error:
        # The message of libpq may repeat the password.
        raise ImproperlyConfigured(
            f"{name} is not a PostgreSQL address."
        ) from error.with_traceback(None)
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database.")
    known = {
        "dbname": "NAME",
        "user": "USER",
        "password": "PASSWORD",
        "host": "HOST",
        "port": "PORT",
    }
    options = {key: value for key, value in parts.items() if key not in known}
    settings = {django: str(parts.get(libpq) or "") for libpq, django in known.items()}
    return {"ENGINE": "config.postgres", **settings, "OPTIONS": options}


def mail_server(name: str = "EMAIL_URL") -> tuple[str, int, str, str]:
    """Host, port, user and password from smtp://user:password@host:587. Characters that mean
    something in a URL are written as in any URL: "/" as %2F, "@" as %40."""
    try:
        parts = urlsplit(text(name))
        host, port = parts.hostname, parts.port or 587
    except ValueError:  # a port that is no number, brackets that do not match
        host, port = None, 0
    if not host or parts.scheme != "smtp":
        raise ImproperlyConfigured(f"{name} must look like smtp://user:password@host:587.")
    return host, port, unquote(parts.username or ""), unquote(parts.password or "")
