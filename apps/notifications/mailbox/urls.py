from django.urls import URLPattern, URLResolver, path, register_converter

from apps.notifications.mailbox import views
from apps.notifications.mailbox.files import FileNameConverter

register_converter(FileNameConverter, "mail_file")

app_name = "mailbox"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.index, name="list"),
    path("<mail_file:file_name>/<int:number>/", views.detail, name="detail"),
    path("<mail_file:file_name>/<int:number>/html/", views.as_html, name="html"),
]
