"""A developer's settings with short waits: what takes a quarter of an hour there takes seconds
here, and is the same code. Beat only looks at the outbox."""

from config.settings.dev import *  # noqa: F403
from config.settings.dev import CELERY_BROKER_TRANSPORT_OPTIONS, INSTALLED_APPS

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "chaos"]

OUTBOX = {
    "batch": 20,
    "max_attempts": 6,
    # Every death of a worker during a call counts as one of its attempts.
    "max_calls": 50,
    "backoff_base": 0.05,
    "backoff_cap": 0.5,
    "lease": 4.0,
    "task_budget": 4.0,
    "wake_key_life": 2.0,
    "breaker_pause": 1.0,
    "look_every": 0.5,
}
CELERY_BEAT_SCHEDULE: dict[str, object] = {}
# How long a message of a worker that died is kept from the others, in seconds: Redis' default of
# an hour would count every one of them as lost.
CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "visibility_timeout": 10}

LOG_JSON = True
LOG_LEVEL = "ERROR"
# Django calls LOGGING_CONFIG only with settings that are not empty.
LOGGING = {"version": 1}
