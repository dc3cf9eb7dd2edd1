"""The test suite: real PostgreSQL and Redis, mail in memory, quick passwords."""

import os  # noqa: I001 - the next one first: it starts what base connects to

from config import embedded_for_tests  # noqa: F401
from config import backups, embedded

from .base import *  # noqa: F403
from .base import CONTENT_SECURITY_POLICY, STORAGES

DEBUG = False
# Not a secret: the suite signs nothing that leaves the machine.
SECRET_KEY = "test-key-of-the-suite-" + "x" * 40
FIELD_ENCRYPTION_KEY = "test-field-key-of-the-suite"

PLATFORM_DOMAIN = "testserver"
PUBLIC_PORT = ""
SANDBOX_URL = "http://localhost:1"
SANDBOX_ALLOWED = True
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [SANDBOX_URL]

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# A folder for each parallel worker: one takes away a logo that another has just put there.
_FOLDER = embedded.data_dir() / f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
MEDIA_ROOT = str(_FOLDER / "media")
STORAGES["backups"] = backups.storage(str(_FOLDER / "backups"))
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
# Files are looked for when they are asked for: each test client would list them all first.
WHITENOISE_AUTOREFRESH = True

# Argon2 is tried by its own test; everywhere else it would be most of the suite's time.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "apps.identity.hashers.Argon2Hasher",
]
LOG_LEVEL = "WARNING"
# The suite's database is made with a few; whoever needs more makes them.
SPARE_SCHOOLS = 4
