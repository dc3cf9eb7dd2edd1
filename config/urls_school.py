"""A school's host: public site, accounts, portal, families, webhooks, API."""

from django.urls import include, path

from config.gateway import languages, theme

handler400 = "config.gateway.problems.bad_request"
handler403 = "config.gateway.problems.permission_denied"
handler404 = "config.gateway.problems.page_not_found"
handler500 = "config.gateway.problems.server_error"

PORTAL = [
    path("", include("config.gateway.dashboard")),
    path("people/", include("apps.identity.portal.urls")),
    path("settings/", include("apps.tenants.portal.urls")),
    path("students/", include("apps.students.portal.urls")),
    path("activities/", include("apps.activities.portal.urls")),
    path("payments/", include("apps.payments.portal.urls")),
    path("fees/", include("apps.fees.portal.urls")),
    path("messages/", include("apps.notifications.portal.urls")),
    path("website/", include("apps.website.portal.urls")),
]

API = [
    path("", include("apps.identity.api.urls")),
    path("", include("apps.tenants.api.urls")),
    path("", include("apps.students.api.urls")),
    path("", include("apps.activities.api.urls")),
    path("", include("apps.payments.api.urls")),
    path("", include("apps.fees.api.urls")),
    path("", include("apps.notifications.api.urls")),
    path("", include("apps.website.api.urls")),
]

urlpatterns = [
    path("theme.css", theme.stylesheet, name="theme"),
    path("language/", languages.choose, name="set_language"),
    path("branding/", include("apps.tenants.public.urls")),
    path("", include("apps.identity.portal.account_urls")),
    path("portal/", include(PORTAL)),
    path("family/activities/", include("apps.activities.family.urls")),
    path("family/", include("apps.fees.family.urls")),
    path("hooks/payments/", include("apps.payments.hooks.urls")),
    path("api/v1/", include(API)),
    path("api/", include("config.gateway.api_docs")),
    path("", include("apps.website.public.urls")),
]
