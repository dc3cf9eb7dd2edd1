"""What `make bench` and the workers that it starts run with.

The suite's settings, the events of the figures (benchmarks/counting.py), and nothing that beat
sends.
"""

import os

from config.settings.test import *  # noqa: F403
from config.settings.test import INSTALLED_APPS, SANDBOX_URL

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.apps.BenchmarksConfig"]
CELERY_BEAT_SCHEDULE: dict[str, object] = {}
LOG_LEVEL = "ERROR"
# Where the processes of a run find each other (benchmarks/paying.py).
SANDBOX_URL = os.environ.get("SANDBOX_URL", SANDBOX_URL)
PUBLIC_PORT = os.environ.get("PUBLIC_PORT", "")
