from django.urls import URLPattern, URLResolver, path

from apps.tenants.platform import views

app_name = "platform"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.landing, name="landing"),
    path("operator/", views.school_list, name="schools"),
    path("operator/schools/new/", views.new_school, name="new_school"),
    path("operator/schools/<int:school_id>/", views.school_detail, name="school"),
    path("operator/schools/<int:school_id>/provisioned/", views.provisioned, name="provisioned"),
    path("operator/schools/<int:school_id>/suspend/", views.suspend, name="suspend"),
    path("operator/schools/<int:school_id>/resume/", views.resume, name="resume"),
]
