"""/portal/activities/"""

from django.urls import URLPattern, URLResolver, path

from apps.activities.portal.views import activities, calendar

app_name = "activities"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", activities.activity_list, name="list"),
    path("add/", activities.activity_add, name="add"),
    path("calendar/", calendar.entry_list, name="calendar"),
    path("calendar/add/", calendar.entry_add, name="entry_add"),
    path("calendar/<uuid:entry_id>/", calendar.entry_edit, name="entry_edit"),
    path("calendar/<uuid:entry_id>/delete/", calendar.entry_delete, name="entry_delete"),
    path("<uuid:activity_id>/", activities.activity_detail, name="detail"),
    path("<uuid:activity_id>/edit/", activities.activity_edit, name="edit"),
    path("<uuid:activity_id>/publish/", activities.activity_publish, name="publish"),
    path("<uuid:activity_id>/cancel/", activities.activity_cancel, name="cancel"),
    path("<uuid:activity_id>/delete/", activities.activity_delete, name="delete"),
    path("<uuid:activity_id>/sign-ups/", activities.sign_up_add, name="sign_up"),
    path(
        "<uuid:activity_id>/sign-ups/<uuid:sign_up_id>/cancel/",
        activities.sign_up_cancel,
        name="sign_up_cancel",
    ),
]
