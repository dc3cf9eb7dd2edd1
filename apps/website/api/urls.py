from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.website.api.views import NewsViewSet

router = SimpleRouter(use_regex_path=False)
router.register("news", NewsViewSet, basename="news")
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
