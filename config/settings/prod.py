"""Production: refuses to start on a missing or default secret, DEBUG, or the sandbox gateway."""

from django.core.exceptions import ImproperlyConfigured

from config import env, logs

from .base import *  # noqa: F403
from .base import SANDBOX_URL

SECRET_MINIMUM = 50


def _secret(name: str) -> str:
    value = env.text(name)
    weak = value.startswith(("django-insecure", "test-", "changeme", "secret"))
    if weak or len(value) < SECRET_MINIMUM or len(set(value)) < 10:
        raise ImproperlyConfigured(
            f"{name} must be random and at least {SECRET_MINIMUM} characters: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return value


DEBUG = False
if env.flag("DEBUG"):
    raise ImproperlyConfigured("DEBUG is set. It shows settings to strangers: unset it.")
if SANDBOX_URL:
    raise ImproperlyConfigured("SANDBOX_URL is set. The sandbox takes no real money: unset it.")

SECRET_KEY = _secret("SECRET_KEY")
FIELD_ENCRYPTION_KEY = _secret("FIELD_ENCRYPTION_KEY")
PLATFORM_DOMAIN = env.text("PLATFORM_DOMAIN")
PUBLIC_SCHEME = "https"

# /livez and /readyz are asked by the orchestrator over plain HTTP; they stand before this check.
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Our own security middleware is a subclass (config/gateway/hosts.py), which the check overlooks.
SILENCED_SYSTEM_CHECKS = ["security.W001"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.mail_server()
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)

if sentry_dsn := env.text("SENTRY_DSN", ""):
    import sentry_sdk

    # Errors only: names, addresses and amounts of a school's people stay with us.
    sentry_sdk.init(
        dsn=sentry_dsn,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=logs.without_links,
        release=env.text("RELEASE", "") or None,
    )
