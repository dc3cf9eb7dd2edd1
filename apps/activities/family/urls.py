"""/family/activities/"""

from django.urls import URLPattern, URLResolver, path

from apps.activities.family import views

app_name = "family_activities"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.activity_list, name="list"),
    path("<uuid:activity_id>/", views.activity_detail, name="detail"),
    path("<uuid:activity_id>/sign-up/", views.sign_up, name="sign_up"),
    path("<uuid:activity_id>/leave/<uuid:sign_up_id>/", views.leave, name="leave"),
]
