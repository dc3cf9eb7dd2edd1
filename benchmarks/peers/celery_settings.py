"""Django and Celery for one task an event: stock backend, nothing of the platform's."""

import os

from config import env

SECRET_KEY = "signs-nothing"
USE_TZ = True
DATABASES = {
    "default": {**env.database("PEER_DATABASE_URL"), "ENGINE": "django.db.backends.postgresql"}
}
CELERY_BROKER_URL = os.environ["PEER_REDIS_URL"]
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged early, a task that a worker took with it into its death is lost.
CELERY_TASK_ACKS_LATE = True
# Without it Celery closes the connection around every task: a third of the rate.
CELERY_DB_REUSE_MAX = 1000
CELERY_TASK_DEFAULT_QUEUE = "idle"
