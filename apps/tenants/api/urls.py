from django.urls import URLPattern, URLResolver, path

from apps.tenants.api.views import AllSettingsViewSet, SchoolSettingsViewSet

school = SchoolSettingsViewSet.as_view({"get": "retrieve", "patch": "partial_update"})
settings = AllSettingsViewSet.as_view({"get": "retrieve", "patch": "partial_update"})

urlpatterns: list[URLPattern | URLResolver] = [
    path("school/", school, name="school"),
    path("school/settings/", settings, name="school_settings"),
]
