"""A developer's machine: embedded servers, the sandbox gateway, mail into a folder."""

from config import backups, embedded, env

from .base import *  # noqa: F403
from .base import CONTENT_SECURITY_POLICY, STORAGES

DEBUG = env.flag("DEBUG", default=True)
SECRET_KEY = env.text("SECRET_KEY", embedded.secret("django"))
FIELD_ENCRYPTION_KEY = env.text("FIELD_ENCRYPTION_KEY", embedded.secret("fields"))

PUBLIC_PORT = env.text("PUBLIC_PORT", embedded.remembered_address("PUBLIC_PORT", ":8000"))
SANDBOX_URL = env.text(
    "SANDBOX_URL", embedded.remembered_address("SANDBOX_URL", "http://localhost:8001")
)
SANDBOX_ALLOWED = True
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [SANDBOX_URL]

MAILBOX_DIR = str(embedded.data_dir() / "mail")
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = MAILBOX_DIR
MEDIA_ROOT = env.text("MEDIA_ROOT", str(embedded.data_dir() / "media"))
STORAGES["backups"] = backups.storage(
    env.text("BACKUP_STORAGE", str(embedded.data_dir() / "backups"))
)

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

SPARE_SCHOOLS = env.number("SPARE_SCHOOLS", 2)

LOG_JSON = env.flag("LOG_JSON", default=False)
