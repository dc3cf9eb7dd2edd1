"""`make run` says what is in the way."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import run
from config.embedded import ROOT


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-m", "config.run", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "HOMEROOM_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert f"port {port} is taken" in result.stderr
    assert f"make run PORT={port + 100}" in result.stderr
    assert not (tmp_path / "postgres").exists()


def test_a_port_that_cannot_be_is_named() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "config.run", "--port", "99999"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "'99999' is not a port; choose one from 1 to 65534" in result.stderr


def test_it_says_where_the_data_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_run", stopped)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["run"])
    monkeypatch.setattr(run.os, "environ", {**os.environ, "HOMEROOM_DATA": str(tmp_path)})
    run.main()
    assert f"The data stays in {tmp_path};" in capsys.readouterr().out
