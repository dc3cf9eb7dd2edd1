"""Starting the stack for tests, and reaching into it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded import ROOT
from config.stack import Stack, free_port

PASSWORD = "homeroom-demo"
ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "REDIS_URL")


class RunningStack:
    """The addresses of the running stack, and ways to run its commands and read its tables."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.env = stack, stack.env
        self.platform = f"http://localhost:{stack.port}"
        self.lincoln = self.address("lincoln")
        self.sanmartin = self.address("sanmartin")
        self.sandbox = f"http://localhost:{stack.sandbox_port}"
        self.mail = Path(self.env["HOMEROOM_DATA"]) / "mail"
        self.password = PASSWORD
        self._schemas: dict[str, str] = {}

    def address(self, slug: str) -> str:
        return f"http://{slug}.localhost:{self.stack.port}"

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def python(self, code: str, *, school: str = "") -> str:
        """Run code in a Django process of the stack; in a school when its slug is given."""
        opened = (
            "from apps.tenants import facade as t; from kernel.schools import in_school\n"
            f"s = next(s for s in t.list_schools() if s.slug == {school!r})\n"
            "with in_school(s.schema_name):\n"
        )
        body = "\n".join(f"    {line}" for line in code.splitlines()) if school else code
        return self.manage(
            "shell", "--no-imports", "-c", (opened if school else "") + body
        ).stdout.strip()

    def rows(self, slug: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read a school's tables as they are, without the product's code between."""
        with psycopg.connect(self.env["DATABASE_OWNER_URL"], autocommit=True) as database:
            path = sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema(slug)))
            database.execute(path)
            return database.execute(query, values or None).fetchall()  # type: ignore[arg-type]

    def public_rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.env["DATABASE_OWNER_URL"], autocommit=True) as database:
            return database.execute(query, values or None).fetchall()  # type: ignore[arg-type]

    def schema(self, slug: str) -> str:
        if slug not in self._schemas:
            query = "SELECT schema_name FROM tenants_school WHERE slug = %s"
            self._schemas[slug] = self.public_rows(query, slug)[0][0]
        return self._schemas[slug]


def _environment(data: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ADDRESSES}
    return {
        **kept,
        "HOMEROOM_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DEBUG": "0",
        "DEMO_STUDENTS": "90",
    }


HOLDER = """
import os, sys
from config import embedded
embedded.hold()
for name in sys.argv[1:]:
    print(os.environ[name], flush=True)
sys.stdin.read()
"""


@contextmanager
def _servers(env: dict[str, str]) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis of the stack's own. Another process holds them: this one has the
    suite's."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *ADDRESSES],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        urls = [holder.stdout.readline().strip() for _ in ADDRESSES]
        assert all(urls), "the embedded servers did not start; their message is above"
        yield dict(zip(ADDRESSES, urls, strict=True))
    finally:
        holder.communicate()


@contextmanager
def start_stack(data: Path) -> Iterator[RunningStack]:
    """The stack with the two demo schools, stopped at the end."""
    env = _environment(data)
    with _servers(env) as urls:
        stack = Stack(
            port=free_port(), sandbox_port=free_port(), env={**env, **urls}, logs=data / "logs"
        )
        stack.env.pop("HOMEROOM_TEST_REDIS", None)
        started = RunningStack(stack)
        try:
            started.manage("prepare_database", "-v", "0")
            started.manage("migrate_schools", "-v", "0")
            stack.start()
            subprocess.run(
                [sys.executable, "-m", "config.demo"],
                cwd=ROOT,
                env=stack.env,
                stdout=subprocess.DEVNULL,
                check=True,
            )
            stack.wait_ready()
            yield started
        finally:
            stack.stop()
