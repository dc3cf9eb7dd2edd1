"""A PostgreSQL of a test's own, beside the one that the suite runs on."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

from config.stack import end_with_parent


def start_postgres(
    programs: Path, data: Path, port: int, *options: str, user: Any, log: Path
) -> subprocess.Popen[bytes]:
    """Start the server whose files are in `data`, on TCP alone. It ends with the test run, however
    that ends. `options` are settings, as in "max_connections=10"."""
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    for option in ("listen_addresses=127.0.0.1", "unix_socket_directories=", *options):
        command += ["-c", option]
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            user=user,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(signal.SIGINT),
        )
