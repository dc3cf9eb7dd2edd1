"""/metrics: for whom, and what it says."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client

from apps.events import facade as events
from apps.tenants import facade as tenants
from kernel.schools import in_public


def figures(page: Any) -> dict[str, float]:
    """{name with labels: value}."""
    lines = page.content.decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


@pytest.fixture
def prometheus(db: None, settings: Any) -> Client:
    """Asks from another machine, with the token."""
    settings.METRICS_TOKEN = "a-long-token"
    client = Client(headers={"host": "testserver", "authorization": "Bearer a-long-token"})
    client.defaults["REMOTE_ADDR"] = "10.0.0.7"
    return client


def test_whoever_has_the_token_may_read(prometheus: Client) -> None:
    page = prometheus.get("/metrics")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/plain")
    assert page["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.0.0.7", {}),
        ("10.0.0.7", {"HTTP_AUTHORIZATION": "Bearer another-token"}),
        ("10.0.0.7", {"HTTP_AUTHORIZATION": "Bearer "}),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}),
        ("127.0.0.1", {"HTTP_AUTHORIZATION": "Bearer another-token"}),
    ],
)
def test_nobody_else_may(db: None, settings: Any, address: str, headers: dict[str, str]) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    client = Client(headers={"host": "testserver"})
    page = client.get("/metrics", REMOTE_ADDR=address, **headers)
    assert page.status_code == 401
    assert page["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert b"homeroom_" not in page.content


def test_an_empty_token_opens_nothing(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    client = Client(headers={"host": "testserver", "authorization": "Bearer "})
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 401


def test_this_machine_may(db: None) -> None:
    client = Client(headers={"host": "testserver"})
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200


def test_a_school_has_no_such_page(school: Any, anonymous: Any) -> None:
    assert anonymous().get("/metrics").status_code == 404


def test_requests_are_counted_by_route_and_never_by_school(
    prometheus: Client, anonymous: Any, other_school: Any
) -> None:
    counted = 'homeroom_requests_total{method="GET",route="school:/news/",status="200"}'
    timed = 'homeroom_request_seconds_count{method="GET",route="school:/news/"}'
    before = figures(prometheus.get("/metrics"))
    anonymous().get("/news/")
    anonymous(other_school).get("/news/")
    anonymous().get("/no/such/page/")
    anonymous().generic("FROB", "/news/")
    page = prometheus.get("/metrics")
    after = figures(page)
    assert after[counted] - before.get(counted, 0) == 2
    assert after[timed] - before.get(timed, 0) == 2
    assert 'homeroom_requests_total{method="GET",route="none",status="404"}' in after
    assert 'method="FROB"' not in page.content.decode()
    for word in ("lincoln", "sanmartin", "t_000001", "t_000002"):
        assert word not in page.content.decode()


def test_ids_in_addresses_make_no_series(prometheus: Client, client_for: Any) -> None:
    admin = client_for("admin")
    admin.get(f"/portal/people/{admin.user.id}/")
    text = prometheus.get("/metrics").content.decode()
    assert 'route="school:/portal/people/<uuid:user_id>/"' in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_the_state_of_things(prometheus: Client, school: Any) -> None:
    with in_public():
        known = tenants.platform_figures()
        waiting, _ = events.backlog()
    found = figures(prometheus.get("/metrics"))
    assert found['homeroom_schools{status="active"}'] == known.schools["active"] == 2
    assert found['homeroom_schools{status="suspended"}'] == 0
    assert found["homeroom_spare_schools"] == known.spares
    assert found["homeroom_schools_without_backup"] == 2
    assert found["homeroom_backup_age_seconds"] == 0
    assert found["homeroom_outbox_pending"] == waiting
    assert found["homeroom_outbox_oldest_seconds"] >= 0
    assert found["homeroom_outbox_attended"] == 0
    assert found["homeroom_outbox_dead_letters"] == 0
    assert found["homeroom_outbox_parked"] == 0
    assert not any("replica" in name for name in found)


def test_a_server_of_several_processes_adds_them_up(tmp_path: Path) -> None:
    """Each worker counts into its own file of the directory that gunicorn.conf.py names."""
    count = (
        "from prometheus_client import Counter\n"
        "Counter('homeroom_tried', 'x', ['route']).labels('r').inc(2)\n"
    )
    add = (
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n"
        "registry = CollectorRegistry()\n"
        "multiprocess.MultiProcessCollector(registry)\n"
        "print(generate_latest(registry).decode())\n"
    )
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _worker in range(2):
        subprocess.run([sys.executable, "-c", count], env=env, check=True)
    added = subprocess.run(
        [sys.executable, "-c", add], env=env, check=True, capture_output=True, text=True
    )
    assert 'homeroom_tried_total{route="r"} 4.0' in added.stdout


def test_gunicorn_has_a_directory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {name: value for name, value in os.environ.items() if "PROMETHEUS" not in name}
    monkeypatch.setattr(os, "environ", own)
    source = Path(django_settings.BASE_DIR, "gunicorn.conf.py").read_text()
    module: dict[str, Any] = {}
    exec(compile(source, "gunicorn.conf.py", "exec"), module)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    (folder / "counter_1.db").touch()
    module["on_starting"](None)
    assert list(folder.iterdir()) == []
    module["on_exit"](None)
    assert not folder.exists()


def test_replica_status_without_a_replica(db: None) -> None:
    out = io.StringIO()
    call_command("replica_status", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "configured": False,
        "in_use": False,
        "lag_seconds": None,
        "problem": "",
    }
    out = io.StringIO()
    call_command("replica_status", stdout=out)
    assert out.getvalue().startswith("No replica is configured (DATABASE_REPLICA_URL)")
