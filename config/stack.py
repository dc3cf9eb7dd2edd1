"""All of Homeroom's processes on one machine: web, worker, keeper, beat and the sandbox gateway.

`make run` uses it for people, the flow and browser tests for themselves.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config.embedded import ROOT

PYTHON = sys.executable
STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# Looked up here: between fork and exec there is no safe moment for it.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
OWNERS_OWN = ("DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")


class PortTaken(RuntimeError):
    """Another program listens where we want to."""


class StackFailed(RuntimeError):
    """A process ended, or did not answer in time; its log says why."""


class Stack:
    """The processes, each logging to `logs`. Only what it started itself is ever stopped."""

    def __init__(
        self, *, port: int, sandbox_port: int, env: Mapping[str, str], logs: Path, threads: int = 8
    ) -> None:
        self.port, self.sandbox_port, self.logs, self.threads = port, sandbox_port, logs, threads
        self.env = {**os.environ, **env, **self._addresses()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.logs.mkdir(parents=True, exist_ok=True)

    def _addresses(self) -> dict[str, str]:
        return {
            "PUBLIC_PORT": f":{self.port}",
            "SANDBOX_URL": f"http://localhost:{self.sandbox_port}",
            "PYTHONUNBUFFERED": "1",
        }

    def commands(self) -> dict[str, list[str]]:
        module = [PYTHON, "-m"]
        celery = [*module, "celery", "-A", "config"]
        return {
            "web": [
                *[*module, "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}"],
                *["--workers", "2", "--worker-class", "gthread", "--threads", str(self.threads)],
                # Its place is the home directory, which two installations would share.
                "--no-control-socket",
            ],
            "worker": [*celery, "worker", "--concurrency", "3", "--loglevel", "WARNING"],
            # One thing at a time, and no chatter with the workers: it is there for rare, long work.
            "keeper": [
                *[*celery, "worker", "-Q", "owner", "-n", "keeper@%h", "--pool", "solo"],
                *["--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
            ],
            "beat": [
                *[*celery, "beat", "--loglevel", "WARNING"],
                *["--schedule", str(self.logs / "beat-schedule"), "--pidfile="],
            ],
            "sandbox": [
                *[PYTHON, "manage.py", "sandbox_gateway", "--port", str(self.sandbox_port)],
                *["--data", str(self.logs.parent / "sandbox")],
            ],
        }

    def start(self, *names: str) -> None:
        """Start those of `names` (all, when none is given) that are not running. Raises
        PortTaken."""
        missing = [name for name in names or self.commands() if name not in self.processes]
        for name, port in (("web", self.port), ("sandbox", self.sandbox_port)):
            if name in missing and not port_is_free(port):
                raise PortTaken(f"port {port} is taken")
        for name in missing:
            self.start_one(name)

    def start_one(self, name: str) -> None:
        # A session of its own: Ctrl-C reaches us alone, and we stop the rest in order.
        with open(self.logs / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                self.commands()[name],
                cwd=ROOT,
                env=self.env_of(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def env_of(self, name: str) -> dict[str, str]:
        """Only the keeper is told how to reach the database as the owner of its tables."""
        if name == "keeper":
            return self.env
        return {key: value for key, value in self.env.items() if key not in OWNERS_OWN}

    def wait_ready(self, seconds: float = 60) -> None:
        """Until web says it is ready and the sandbox answers. Raises StackFailed."""
        until = time.monotonic() + seconds
        for name, port, path in (
            ("web", self.port, "/readyz"),
            ("sandbox", self.sandbox_port, "/"),
        ):
            while _status(port, path) not in (200, 404):
                self._check_alive(name)
                if time.monotonic() > until:
                    raise StackFailed(f"{name} did not answer in {seconds:.0f} s: {self.log(name)}")
                time.sleep(0.1)

    def _check_alive(self, name: str) -> None:
        code = self.processes[name].poll()
        if code is not None:
            raise StackFailed(f"{name} ended with {code}: {self.log(name)}")

    def log(self, name: str, lines: int = 20) -> str:
        path = self.logs / f"{name}.log"
        tail = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
        return "\n".join([str(path), *tail])

    def ended(self) -> list[str]:
        """Processes that ended by themselves."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def stop_one(self, name: str, signum: int = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        if process.poll() is None:
            process.send_signal(signum)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """New work first, then the work under way, then what it depends on."""
        for name in ("beat", "web", "worker", "keeper", "sandbox"):
            if name in self.processes:
                self.stop_one(name)


def end_with_parent(signum: int = signal.SIGTERM) -> None:
    """For a new process, before it does anything: get `signum` when its parent has ended in
    whatever way, SIGKILL too. Only Linux can do this; elsewhere nothing happens."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(signum))


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
