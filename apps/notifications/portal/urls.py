from django.urls import URLPattern, URLResolver, path

from apps.notifications.portal import views

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.index, name="list"),
    path("retry/", views.retry_failed, name="retry_failed"),
    path("<uuid:message_id>/", views.detail, name="detail"),
    path("<uuid:message_id>/html/", views.as_html, name="html"),
    path("<uuid:message_id>/retry/", views.retry, name="retry"),
    path("<uuid:message_id>/preference/", views.preference, name="preference"),
]
