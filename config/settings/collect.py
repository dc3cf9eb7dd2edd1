"""Building an image: enough to collect the static files, with no service to talk to."""

import os

# Set before base reads them; nothing connects while files are collected.
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/none")
os.environ.setdefault("REDIS_URL", "redis://localhost:1/0")

from .base import *  # noqa: F403

SECRET_KEY = "only-while-collecting-static-files"
FIELD_ENCRYPTION_KEY = "only-while-collecting-static-files"
