from django.urls import URLPattern, URLResolver, path

from apps.website.public import calendar, machines, views

app_name = "site"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("news/", views.news_list, name="news"),
    path("news/feed.xml", machines.feed, name="feed"),
    path("news/<slug:slug>/", views.news_post, name="news_post"),
    path("pages/<slug:slug>/", views.page, name="page"),
    path("staff/", views.staff, name="staff"),
    path("documents/", views.documents, name="documents"),
    path("documents/<uuid:document_id>/", views.document, name="document"),
    path("calendar/", calendar.month, name="calendar"),
    path("calendar.ics", calendar.feed, name="calendar_feed"),
    path("robots.txt", machines.robots, name="robots"),
    path("sitemap.xml", machines.sitemap, name="sitemap"),
]
