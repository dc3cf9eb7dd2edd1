"""What `make bench` and the workers that it starts run with.

The suite's settings, the events of the figures (benchmarks/counting.py), and of all that beat
sends the sweep alone.
"""

from config.settings.test import *  # noqa: F403
from config.settings.test import CELERY_BEAT_SCHEDULE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.apps.BenchmarksConfig"]
CELERY_BEAT_SCHEDULE = {"events-sweep": CELERY_BEAT_SCHEDULE["events-sweep"]}
LOG_LEVEL = "ERROR"
