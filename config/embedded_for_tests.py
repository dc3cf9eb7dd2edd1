"""Embedded servers of the suite's own, up before Django reads its settings.

A Redis database for each parallel worker, so that one worker's keys are not another's.
"""

import atexit
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from config import embedded

# Tests with real commits end with a fresh copy of the database: hundreds of files each, which a
# file system in memory makes in a tenth of the time.
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of this process's own in it
ENOUGH_BYTES = 4_000_000_000


def _place() -> str:
    if not (os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES):
        return str(embedded.ROOT / "data" / "test")
    place = MEMORY / f"homeroom-test-{os.getpid()}"
    # Registered before the servers are held, so that it runs after they have stopped.
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return str(place)


# Parallel workers are children: they find it set.
if "HOMEROOM_DATA" not in os.environ:
    os.environ["HOMEROOM_DATA"] = _place()
if "HOMEROOM_TEST_REDIS" not in os.environ:
    embedded.hold(durable=False)
    os.environ["HOMEROOM_TEST_REDIS"] = os.environ["REDIS_URL"]

_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_url = urlsplit(os.environ["HOMEROOM_TEST_REDIS"])
os.environ["REDIS_URL"] = urlunsplit(_url._replace(path=f"/{_number}"))
