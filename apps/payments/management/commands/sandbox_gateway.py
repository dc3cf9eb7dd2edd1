"""manage.py sandbox_gateway: the practice gateway as a process of its own."""

from __future__ import annotations

import signal
import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.payments.sandbox.app import SandboxApp, serve
from apps.payments.sandbox.gateway import Behaviour


class Command(BaseCommand):
    help = "Run the sandbox payment gateway on loopback (never in production)."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8001, help="port on 127.0.0.1")
        parser.add_argument("--data", type=Path, required=True, help="folder of its database")
        parser.add_argument(
            "--settle-after", type=float, default=4.0, help="seconds until a late payment ends"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_ALLOWED:
            raise CommandError(
                "The sandbox gateway is not allowed with these settings: it takes no real money."
            )
        behaviour = Behaviour(settle_after=options["settle_after"])
        app = _open(options["data"], behaviour)
        try:
            server = serve(app, port=options["port"])
        except (OSError, OverflowError) as error:
            app.close()
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"Port {options['port']} cannot be used: {reason}.") from error
        self._run(app, server)

    def _run(self, app: SandboxApp, server: Any) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        app.courier.start()
        self.stdout.write(f"Sandbox gateway on http://localhost:{server.server_port}")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            self.stdout.write("Sandbox gateway stopped.")
        finally:
            server.server_close()
            app.close()


def _open(folder: Path, behaviour: Behaviour) -> SandboxApp:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SandboxApp(folder / "sandbox.sqlite3", behaviour=behaviour)
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"The folder {folder} cannot be used: {error}.") from error
