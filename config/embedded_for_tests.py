"""Embedded servers of the suite's own, up before Django reads its settings.

A Redis database for each parallel worker, so that one worker's keys are not another's.
"""

import os
from urllib.parse import urlsplit, urlunsplit

from config import embedded

os.environ.setdefault("HOMEROOM_DATA", str(embedded.ROOT / "data" / "test"))
if "HOMEROOM_TEST_REDIS" not in os.environ:
    embedded.hold(durable=False)
    os.environ["HOMEROOM_TEST_REDIS"] = os.environ["REDIS_URL"]

_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_url = urlsplit(os.environ["HOMEROOM_TEST_REDIS"])
os.environ["REDIS_URL"] = urlunsplit(_url._replace(path=f"/{_number}"))
