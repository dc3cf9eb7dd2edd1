from django.urls import URLPattern, URLResolver, path

from apps.tenants.portal import plan_views, views

app_name = "tenants"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.settings, name="settings"),
    path("history/", views.history, name="history"),
    path("branding/logo/", views.logo, name="logo"),
    path("branding/logo/remove/", views.logo_remove, name="logo_remove"),
    path("plan/", plan_views.plan, name="plan"),
    path("plan/keep/", plan_views.keep, name="plan_keep"),
    path("plan/choose/<slug:code>/", plan_views.choose, name="plan_choose"),
    path("plan/invoices/<uuid:invoice_id>/", plan_views.invoice, name="plan_invoice"),
    path("plan/invoices/<uuid:invoice_id>/pdf/", plan_views.invoice_file, name="plan_invoice_pdf"),
    path("<slug:group>/", views.group, name="group"),
]
