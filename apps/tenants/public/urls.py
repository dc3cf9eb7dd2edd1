from django.urls import URLPattern, URLResolver, re_path

from apps.tenants.public import views

app_name = "branding"
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(
        r"^(?P<digest>[0-9a-f]{16})-(?P<variant>header|icon|email|print)\.png$",
        views.logo,
        name="logo",
    ),
]
