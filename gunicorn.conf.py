"""Gunicorn reads this file from the directory it is started in.

Each worker writes its figures into one directory; whichever is asked for /metrics adds them up.
"""

import os
import shutil
import tempfile
from typing import Any

_made_here = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _made_here:
    # Set before a worker imports prometheus_client, which looks once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="homeroom-metrics-")


def on_starting(_server: Any) -> None:
    """Files of an earlier run would be added up with ours."""
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".db"):
            os.unlink(os.path.join(folder, name))


def child_exit(_server: Any, worker: Any) -> None:
    """What it counted stays counted; what it showed as being so now goes with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    if _made_here:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
