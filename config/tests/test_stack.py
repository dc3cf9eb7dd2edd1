"""Which process is started how, and which of them is told how to reach the tables' owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from config.stack import Stack

OWNERS = {"DATABASE_OWNER_URL": "postgresql://owner@h/db", "DATABASE_ADMIN_URL": "postgresql://a@h"}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    env = {**OWNERS, "DATABASE_URL": "postgresql://app@h/db"}
    return Stack(port=8000, sandbox_port=8001, env=env, logs=tmp_path / "logs")


def test_only_the_keeper_knows_the_owner(stack: Stack) -> None:
    told = {name for name in stack.commands() if set(OWNERS) & set(stack.env_of(name))}

    assert told == {"keeper"}
    assert all("DATABASE_URL" in stack.env_of(name) for name in stack.commands())


def test_the_keeper_takes_the_owners_queue_and_the_worker_leaves_it(stack: Stack) -> None:
    from kernel.owner import OWNER_QUEUE

    keeper, worker = stack.commands()["keeper"], stack.commands()["worker"]

    assert keeper[keeper.index("-Q") + 1] == OWNER_QUEUE
    assert keeper[keeper.index("--pool") + 1] == "solo"
    assert "-Q" not in worker
    assert all(name in {"beat", "web", "worker", "keeper", "sandbox"} for name in stack.commands())


def test_compose_tells_only_the_keeper_and_migrate() -> None:
    import yaml

    compose = yaml.safe_load(Path("docker-compose.yml").read_text())
    services = compose["services"].items()

    told = {name for name, s in services if "DATABASE_OWNER_URL" in (s.get("environment") or {})}

    assert told == {"keeper", "migrate"}
    assert compose["services"]["keeper"]["command"][3:6] == ["worker", "-Q", "owner"]


STARTER = """
import sys, time
from pathlib import Path
from config.stack import Stack
class Idle(Stack):
    def commands(self):
        return {"beat": [sys.executable, "-c", "import time; time.sleep(60)"]}
stack = Idle(port=0, sandbox_port=0, env={}, logs=Path(sys.argv[1]))
stack.start()
print(stack.processes["beat"].pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process of its parent's end"
)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_whoever_started_it(tmp_path: Path, signum: int) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    child = int(starter.stdout.readline())
    os.kill(starter.pid, signum)
    starter.wait()

    until = time.monotonic() + 10
    while not has_ended(child):
        assert time.monotonic() < until, "still there"
        time.sleep(0.02)


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
