"""What every environment shares. Values that differ come from environment variables."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF

from config import backups, env, media
from config.settings import schedule

# Lets ModelForm[Student] and the like stand in class statements, for the type checker.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# Addresses ------------------------------------------------------------------------------------

PLATFORM_DOMAIN = env.text("PLATFORM_DOMAIN", "localhost")
PUBLIC_SCHEME = env.text("PUBLIC_SCHEME", "http")
# ":8000" where the port shows in addresses, empty behind a proxy on 80 or 443.
PUBLIC_PORT = env.text("PUBLIC_PORT", "")
# Schools bring their own domains, so the list of hosts is the table of domains: the gateway
# answers 404 on a host that is not in it (config/gateway/schools.py).
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
# How many proxies of ours append to X-Forwarded-For before a request reaches us.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
# Who may read /metrics from elsewhere than this machine; empty: nobody.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# Apps -----------------------------------------------------------------------------------------

SHARED_APPS = [
    "django_tenants",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "apps.events",
    "apps.tenants",
    "apps.identity",
]
TENANT_APPS = [
    "django.contrib.sessions",
    "apps.events",
    "apps.identity",
    "apps.students",
    "apps.activities",
    "apps.payments",
    "apps.fees",
    "apps.website",
    "apps.notifications",
]
# Code that libraries import from these two, without their tables: in neither list above, so the
# router migrates them nowhere. Content types would tie every school to public rows (ADR 0004).
CODE_ONLY_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
LIBRARIES = [
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
INSTALLED_APPS = [
    *CODE_ONLY_APPS,
    *SHARED_APPS,
    *[app for app in TENANT_APPS if app not in SHARED_APPS],
    *LIBRARIES,
]

TENANT_MODEL = "tenants.School"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["kernel.routing.SchoolRouter", "django_tenants.routers.TenantSyncRouter"]

# Database, cache, queue -----------------------------------------------------------------------

DATABASES = {
    "default": {
        **env.database(),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": env.text("TEST_DATABASE", "test_homeroom")},
    }
}
# Parameters travel apart from the statement (docs/adr/0008).
DATABASES["default"]["OPTIONS"]["server_side_binding"] = True
# Reports and exports read from a standby, where there is one (docs/adr/0013).
if env.text("DATABASE_REPLICA_URL", ""):
    DATABASES["replica"] = {
        **env.database("DATABASE_REPLICA_URL"),
        "ENGINE": "config.replica",
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"MIRROR": "default"},
    }
    DATABASES["replica"]["OPTIONS"]["server_side_binding"] = True
# Seconds: how far behind it may be; how long whoever wrote reads the primary (must be longer);
# the first pause after it did not answer.
REPLICA_MAX_LAG = env.number("REPLICA_MAX_LAG", 3)
READ_OWN_WRITES = REPLICA_MAX_LAG + 2
REPLICA_RETRY_SECONDS = env.number("REPLICA_RETRY_SECONDS", 5)
# The role that owns the tables; only operators' commands and the keeper are given it.
OWNER_DATABASE = env.database("DATABASE_OWNER_URL") if env.text("DATABASE_OWNER_URL", "") else None
# A superuser, for `manage.py prepare_database` alone; no process that serves is given it.
DATABASE_ADMIN_URL = env.text("DATABASE_ADMIN_URL", "")
# What the app reads and only the owner writes: a row planted here would run as the owner.
OWNERS_TABLES = ["django_migrations", "tenants_migrationscript"]
# The one table of the platform that a school's role reaches; its policy lets each school see and
# write its own rows only (apps/events/migrations/0003).
TABLES_SHARED_WITH_SCHOOLS = ["outbox_ready"]
# A connection is closed between two requests once it has opened more schools than this: each one
# read in full costs 1.3 MB of the server's memory until then.
SCHOOLS_PER_CONNECTION = env.number("SCHOOLS_PER_CONNECTION", 200)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Schools whose tables are made in advance; the keeper tops them up.
SPARE_SCHOOLS = env.number("SPARE_SCHOOLS", 20)
# Short names of the schools that migrate_schools takes first; it stops when one of them fails.
CANARY_SCHOOLS = env.text("CANARY_SCHOOLS", "").replace(",", " ").split()
# Stock migrate_schemas: as the owner, and with the schools' versions written down.
GET_EXECUTOR_FUNCTION = "apps.tenants.management.stock.get_executor"

REDIS_URL = env.text("REDIS_URL")
REDIS_TIMEOUTS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "homeroom",
        # Every key carries the school: one school never reads what another one cached.
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "CONNECTION_POOL_KWARGS": REDIS_TIMEOUTS,
            # A cache that is away is a cache miss, not an error page.
            "IGNORE_EXCEPTIONS": True,
        },
    }
}

CELERY_BROKER_URL = REDIS_URL
# A broker that hangs must not hang whoever sends a task.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 10}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Without this Celery closes the database connection around every task.
CELERY_DB_REUSE_MAX = 1000
CELERY_BEAT_SCHEDULE = schedule.BEAT

# Requests -------------------------------------------------------------------------------------

ROOT_URLCONF = "config.urls_school"
PLATFORM_URLCONF = "config.urls_platform"
PUBLIC_SCHEMA_URLCONF = PLATFORM_URLCONF
WSGI_APPLICATION = "config.wsgi.application"
MIDDLEWARE = [
    "config.gateway.address.ClientAddressMiddleware",
    "config.gateway.correlation.CorrelationMiddleware",
    "config.gateway.metrics.MetricsMiddleware",
    "config.gateway.health.HealthMiddleware",
    "config.gateway.hosts.ChallengeMiddleware",
    "config.gateway.hosts.HostSecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.gateway.schools.SchoolMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.gateway.people.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.gateway.bodies.BodyLimitMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.gateway.features.FeatureMiddleware",
    "config.gateway.people.PermissionMiddleware",
    "config.gateway.problems.DomainErrorMiddleware",
]
if "replica" in DATABASES:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("config.gateway.schools.SchoolMiddleware"),
        "config.gateway.replica.ReplicaMiddleware",
    )
APPEND_SLASH = True
# Forms with a file: the body limit below does not count the file, the gateway does.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
UPLOAD_MAX_BYTES = 12_000_000

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "config.gateway.context.shell",
            ],
            "builtins": ["kernel.templatetags", "django.templatetags.i18n"],
            "libraries": {"homeroom": "kernel.templatetags"},
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env.text("MEDIA_ROOT", str(BASE_DIR / "media"))
STORAGES: dict[str, dict[str, Any]] = {
    # Every FileField: the open school's folder of "media", which is on disk or in a bucket.
    "default": {"BACKEND": "kernel.files.SchoolStorage"},
    "media": media.storage(env.text("MEDIA_STORAGE_URL", "")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Backups of schools. -----------------------------------------------------------------------

STORAGES["backups"] = backups.storage(
    env.text("BACKUP_STORAGE", "") or str(BASE_DIR / "data" / "backups")
)
# Any long random texts, newest first, separated by commas. Empty: backups are not encrypted.
BACKUP_ENCRYPTION_KEY = env.text("BACKUP_ENCRYPTION_KEY", "")
# From when (hour, UTC) and over how many hours the nightly backups are spread.
BACKUP_HOUR = env.number("BACKUP_HOUR", 1)
BACKUP_SPREAD_HOURS = env.number("BACKUP_SPREAD_HOURS", 4)
# How many days, weeks and months keep their newest backup.
BACKUP_KEEP_DAILY = env.number("BACKUP_KEEP_DAILY", 7)
BACKUP_KEEP_WEEKLY = env.number("BACKUP_KEEP_WEEKLY", 4)
BACKUP_KEEP_MONTHLY = env.number("BACKUP_KEEP_MONTHLY", 12)
# Days that the last export of a deleted school is kept, and tables that a restore replaced.
BACKUP_KEEP_DELETED_DAYS = env.number("BACKUP_KEEP_DELETED_DAYS", 90)
BACKUP_KEEP_REPLACED_DAYS = env.number("BACKUP_KEEP_REPLACED_DAYS", 7)
# Told in each backup: which release took it.
RELEASE = env.text("RELEASE", "")

# People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["apps.identity.backends.EmailBackend"]
PASSWORD_HASHERS = ["apps.identity.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},  # PCI DSS 8.3.6
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
# Sessions are rows of the school's own schema: a cookie of one school finds nothing in another.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "homeroom_session"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "config.gateway.problems.csrf_failure"

# Languages ------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.identity.api.authentication.SchoolJWTAuthentication",
        "apps.identity.api.authentication.SchoolSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["kernel.rest.HasDeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kernel.rest.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "kernel.paging.Page",
    "DEFAULT_SCHEMA_CLASS": "config.gateway.openapi.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "config.gateway.problems.api_exception_handler",
    "UNAUTHENTICATED_USER": "kernel.access.Anonymous",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NON_FIELD_ERRORS_KEY": "non_field_errors",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Homeroom API",
    "DESCRIPTION": "One school's people, activities, fees, payments, messages and news.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "sub",
    "AUTH_HEADER_TYPES": ("Bearer",),
    "UPDATE_LAST_LOGIN": False,
}

# Payments -------------------------------------------------------------------------------------

# The sandbox gateway speaks the wire of Stripe and PayPal on loopback. Empty: no sandbox.
SANDBOX_URL = env.text("SANDBOX_URL", "")
SANDBOX_ALLOWED = False
# Where a stand-in takes the place of a gateway; empty: the gateway's own addresses.
STRIPE_API_BASE = env.text("STRIPE_API_BASE", "")
PAYPAL_API_BASE = env.text("PAYPAL_API_BASE", "")
PAYMENT_PAGES = [
    "https://checkout.stripe.com",
    "https://www.paypal.com",
    "https://www.sandbox.paypal.com",
]

# Security -------------------------------------------------------------------------------------

SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        # Browsers apply this to the redirect that follows a form too: "Pay" ends on the
        # gateway's hosted page.
        "form-action": [SELF, *PAYMENT_PAGES, *([SANDBOX_URL] if SANDBOX_URL else [])],
    }
}

# Plans and sign-up ----------------------------------------------------------------------------

# How far past a plan's limit a school may go, and for how many days, before more is refused.
PLAN_GRACE_PERCENT = env.number("PLAN_GRACE_PERCENT", 10)
PLAN_GRACE_DAYS = env.number("PLAN_GRACE_DAYS", 14)
# Days a school has to pay the platform's invoice.
PLATFORM_INVOICE_DAYS = env.number("PLATFORM_INVOICE_DAYS", 14)
# Who sends those invoices: name, address, tax number, bank account; "\n" between lines.
PLATFORM_ISSUER = env.text("PLATFORM_ISSUER", "Homeroom")
# Whether strangers may sign up a school on the landing page.
SIGN_UP_OPEN = env.flag("SIGN_UP_OPEN", default=True)
# How long a confirmation link works and the short name is kept for whoever asked for it.
SIGN_UP_HOURS = env.number("SIGN_UP_HOURS", 24)
# Whether a school is closed when its trial ends and no operator has decided; else it is charged.
SUSPEND_AFTER_TRIAL = env.flag("SUSPEND_AFTER_TRIAL", default=False)

# The life of a school ---------------------------------------------------------------------------

# How long a deletion can be undone, in days.
DELETE_GRACE_DAYS = env.number("DELETE_GRACE_DAYS", 30)
# A domain must lead to a public address before it is asked whether it reaches this installation.
DOMAINS_MAY_BE_PRIVATE = env.flag("DOMAINS_MAY_BE_PRIVATE", default=False)

# Privacy --------------------------------------------------------------------------------------

# Whole years after which the law lets names in the books go, counted from the year's end.
RETENTION_MONEY_YEARS = env.number("RETENTION_MONEY_YEARS", 10)
# Other periods than the rules' own, in days: "notifications.bodies=200,students.left=1825".
# A rule with an empty period ("notifications.bodies=") is off. See manage.py retention --dry-run.
RETENTION_DAYS = env.days("RETENTION_DAYS")

# Mail and files -------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "") or f"Homeroom <no-reply@{PLATFORM_DOMAIN}>"
EMAIL_TIMEOUT = 10
# Where the file-based mail backend of a developer's machine writes; empty: no mailbox page.
MAILBOX_DIR = ""

# Logs: one JSON line a request and a task (config/logs.py). ------------------------------------

LOGGING_CONFIG = "config.logs.configure"
# Django calls it only when there is something to configure.
LOGGING = {"version": 1}
LOG_JSON = True
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
