"""Which process is started how, and which of them is told how to reach the tables' owner."""

from __future__ import annotations

from pathlib import Path

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
