from django.urls import URLPattern, URLResolver, path

from apps.website.portal import documents, news, pages, profile

app_name = "website"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", profile.edit, name="profile"),
    path("preview/", news.preview, name="preview"),
    path("news/", news.index, name="news"),
    path("news/new/", news.new, name="news_new"),
    path("news/<uuid:news_id>/", news.edit, name="news_edit"),
    path("news/<uuid:news_id>/publish/", news.publish, name="news_publish"),
    path("news/<uuid:news_id>/withdraw/", news.withdraw, name="news_withdraw"),
    path("news/<uuid:news_id>/delete/", news.delete, name="news_delete"),
    path("pages/", pages.index, name="pages"),
    path("pages/new/", pages.edit, name="page_new"),
    path("pages/<uuid:page_id>/", pages.edit, name="page_edit"),
    path("pages/<uuid:page_id>/delete/", pages.delete, name="page_delete"),
    path("staff/", profile.staff, name="staff"),
    path("staff/new/", profile.staff_entry, name="staff_new"),
    path("staff/<uuid:entry_id>/", profile.staff_entry, name="staff_edit"),
    path("staff/<uuid:entry_id>/delete/", profile.delete_staff_entry, name="staff_delete"),
    path("documents/", documents.index, name="documents"),
    path("documents/new/", documents.new, name="document_new"),
    path("documents/<uuid:document_id>/", documents.edit, name="document_edit"),
    path("documents/<uuid:document_id>/delete/", documents.delete, name="document_delete"),
]
