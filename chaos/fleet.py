"""The processes under fire: writers, real Celery workers and beat. Started, killed, replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import psutil

from chaos.events import NAIVE_WAY, OUTBOX_WAY
from chaos.schools import Place
from chaos.tasks import READY
from chaos.writer import write
from config.embedded import ROOT
from config.stack import OWNERS_OWN

WRITERS = (OUTBOX_WAY, OUTBOX_WAY, NAIVE_WAY)
WORKERS, CHILDREN = 2, 2
START_SECONDS, STOP_SECONDS = 60, 20
# Forked: a writer is back at work at once, where a fresh interpreter would take a second.
_fork = multiprocessing.get_context("fork")


class FleetFailed(RuntimeError):
    """The workers did not start; their logs say why."""


class Fleet:
    """What it started, by process; nothing else is ever signalled."""

    def __init__(self, *, places: list[Place], logs: Path, seed: int) -> None:
        self._places, self._logs, self._seed = places, logs, seed
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._writers: list[Any] = []
        self._started_writers = 0
        self.ended_by_themselves = 0

    def start(self) -> None:
        """Start all; the writers once the workers are ready. Raises FleetFailed when they are not
        in START_SECONDS."""
        for number in range(WORKERS):
            self._start_program(f"worker{number}")
        self._start_program("beat")
        until = time.monotonic() + START_SECONDS
        while len(self._ready_workers()) < WORKERS:
            if time.monotonic() > until:
                raise FleetFailed(f"the workers did not start in {START_SECONDS} s: {self._logs}")
            time.sleep(0.1)
        self._writers = [self._new_writer(way) for way in WRITERS]

    def replace_ended(self) -> None:
        """Start again what ended by itself, as whoever runs this in earnest would."""
        for name in [name for name, program in self._programs.items() if _has_ended(program)]:
            self.ended_by_themselves += 1
            self._kill_program(name)
            self._start_program(name)
        for slot, writer in enumerate(self._writers):
            if not writer.is_alive():
                self.ended_by_themselves += 1
                self._replace_writer(slot)

    # Violence --------------------------------------------------------------------------------

    def kill_worker(self, random: Random) -> bool:
        """A whole worker, its pool with it, and a new one in its place."""
        name = random.choice([name for name in self._programs if name.startswith("worker")])
        self._kill_program(name)
        self._start_program(name)
        return True

    def kill_pool_child(self, random: Random) -> bool:
        """One process of a pool; its worker starts another. False when there was none just now."""
        children = self._pool_children()
        with suppress(psutil.NoSuchProcess):
            if children:
                random.choice(children).kill()
                return True
        return False

    def kill_writer(self, random: Random) -> bool:
        slot = random.randrange(len(self._writers))
        self._writers[slot].kill()
        self._replace_writer(slot)
        return True

    # The end ---------------------------------------------------------------------------------

    def stop_writers(self) -> None:
        for writer in self._writers:
            writer.kill()
            writer.join()
            writer.close()
        self._writers = []

    def stop(self) -> None:
        """All of it; the workers get STOP_SECONDS to finish what they do."""
        self.stop_writers()
        for program in self._programs.values():
            os.kill(program.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and not all(map(_has_ended, self._programs.values())):
            time.sleep(0.1)
        for name in list(self._programs):
            self._kill_program(name)

    # Starting --------------------------------------------------------------------------------

    def _start_program(self, name: str) -> None:
        self._ready_file(name).unlink(missing_ok=True)
        with open(self._logs / f"{name}.log", "ab") as log:
            self._programs[name] = subprocess.Popen(
                self._command(name),
                cwd=ROOT,
                env=self._environment(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self, name: str) -> dict[str, str]:
        """As in production, no process that serves is told how to reach the database as its owner.
        Where compiled modules are not kept beside their source, they are kept for this run: most
        of a start would be compiling them."""
        left_out = {*OWNERS_OWN, "PYTHONDONTWRITEBYTECODE"}
        env = {key: value for key, value in os.environ.items() if key not in left_out}
        if sys.dont_write_bytecode:
            env["PYTHONPYCACHEPREFIX"] = str(self._logs.parent / "compiled")
        return {**env, READY: str(self._ready_file(name))}

    def _ready_file(self, name: str) -> Path:
        return self._logs / f"{name}.ready"

    def _command(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        quietly = ["--loglevel", "ERROR"]
        if name == "beat":
            schedule = str(self._logs / "beat-schedule")
            return [*celery, "beat", *quietly, "--schedule", schedule, "--pidfile="]
        options = ["-n", f"{name}@%h", "--concurrency", str(CHILDREN), "--pool", "prefork"]
        return [*celery, "worker", *quietly, *options, "--without-gossip", "--without-mingle"]

    def _kill_program(self, name: str) -> None:
        """With its whole session. Not reaped yet, it still holds its number: the group is ours."""
        program = self._programs.pop(name)
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()

    def _ready_workers(self) -> list[subprocess.Popen[bytes]]:
        return [
            program for name, program in self._programs.items() if self._ready_file(name).exists()
        ]

    def _pool_children(self) -> list[psutil.Process]:
        """Of workers that are ready: one that loses a child before gives up as a whole."""
        children: list[psutil.Process] = []
        for program in self._ready_workers():
            with suppress(psutil.NoSuchProcess):
                children += psutil.Process(program.pid).children()
        return children

    def _new_writer(self, way: str) -> Any:
        self._started_writers += 1
        seed = self._seed * 100_003 + self._started_writers
        work = (way, self._places, seed, self._logs / "writers.log")
        writer = _fork.Process(target=write, args=work, name=way, daemon=True)
        writer.start()
        return writer

    def _replace_writer(self, slot: int) -> None:
        gone = self._writers[slot]
        gone.join()
        self._writers[slot] = self._new_writer(gone.name)
        gone.close()


def _has_ended(program: subprocess.Popen[bytes]) -> bool:
    """Without reaping it: see _kill_program."""
    return os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
