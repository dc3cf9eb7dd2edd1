"""manage.py sandbox_gateway as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.payments.tests.test_sandbox import KEY


def start(tmp_path):
    """The command on a free port; returns the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox_gateway", "--port", "0", "--data", str(tmp_path)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    line = process.stdout.readline()
    assert line.startswith("Sandbox gateway on http://localhost:"), line + process.stdout.read()
    return process, line.split()[-1]


def test_it_serves_logs_nothing_of_requests_and_stops(tmp_path):
    process, url = start(tmp_path)
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = requests.get(f"{url}/v1/events", headers=headers, timeout=5)
        assert answer.json()["data"] == []
        assert "no real money" in requests.get(url, timeout=5).text
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _nothing = process.communicate(timeout=15)

    assert rest.strip() == "Sandbox gateway stopped."
    assert process.returncode == 0
    assert (tmp_path / "sandbox.sqlite3").exists()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")

    with pytest.raises(CommandError, match="file cannot be used"):
        call_command("sandbox_gateway", port=0, data=taken)


def test_a_port_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(CommandError, match="Port 70000 cannot be used"):
        call_command("sandbox_gateway", port=70000, data=tmp_path)
