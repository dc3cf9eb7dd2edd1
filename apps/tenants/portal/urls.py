from django.urls import URLPattern, URLResolver, path

from apps.tenants.portal import views

app_name = "tenants"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.settings, name="settings"),
]
