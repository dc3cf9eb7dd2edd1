"""Checks of `make lint` that need Django or a tool of their own; each prints one line.

Run by `python -m config.lint`: exit code 1 when one of them fails.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from config import embedded

BIN = Path(sys.executable).parent


def main() -> None:
    os.environ.setdefault("HOMEROOM_DATA", str(embedded.ROOT / "data" / "test"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    embedded.hold()
    failed = [title for title, command, env in _checks() if not _passes(title, command, env)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _checks() -> list[tuple[str, list[str], dict[str, str]]]:
    manage = [sys.executable, "manage.py"]
    schema = str(Path(tempfile.gettempdir()) / f"homeroom-openapi-{os.getpid()}.yaml")
    spectacular = [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", schema]
    compose = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    return [
        ("migrations are complete", [*manage, "makemigrations", "--check", "--dry-run"], {}),
        ("migrations spare the running release", [*manage, "lint_migrations"], {}),
        ("production settings", [*manage, "check", "--deploy", "--fail-level", "WARNING"], _prod()),
        ("OpenAPI without warnings", spectacular, {}),
        ("Dockerfile", [str(BIN / "hadolint"), "Dockerfile"], {}),
        ("docker-compose.yml", [*compose, "docker-compose.yml"], {}),
    ]


def _prod() -> dict[str, str]:
    """An environment in which production may start."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.prod",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEY": secrets.token_urlsafe(64),
        "PLATFORM_DOMAIN": "homeroom.example",
        "EMAIL_URL": "smtp://user:password@mail.example:587",
        "SANDBOX_URL": "",
    }


def _passes(title: str, command: list[str], env: dict[str, str]) -> bool:
    result = subprocess.run(
        command, cwd=embedded.ROOT, env={**os.environ, **env}, capture_output=True, text=True
    )
    ok = result.returncode == 0
    print(f"{'ok' if ok else 'FAILED':8}{title}", flush=True)
    if not ok:
        print(result.stdout[-4000:] + result.stderr[-4000:])
    return ok


if __name__ == "__main__":
    main()
