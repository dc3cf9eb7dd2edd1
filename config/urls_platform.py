"""The platform's own host: landing page, operator console, and in development the mailbox."""

from django.conf import settings
from django.urls import include, path

from config.gateway import gallery, languages, metrics, theme

handler400 = "config.gateway.problems.bad_request"
handler403 = "config.gateway.problems.permission_denied"
handler404 = "config.gateway.problems.page_not_found"
handler500 = "config.gateway.problems.server_error"

urlpatterns = [
    path("theme.css", theme.stylesheet, name="theme"),
    path("language/", languages.choose, name="set_language"),
    path("metrics", metrics.page, name="metrics"),
    path("", include("apps.identity.portal.account_urls")),
    path("", include("apps.tenants.platform.urls")),
]
if settings.MAILBOX_DIR:
    urlpatterns += [path("mailbox/", include("apps.notifications.mailbox.urls"))]
if settings.DEBUG:
    urlpatterns += [path("design/", gallery.page, name="gallery")]
