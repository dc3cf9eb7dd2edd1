"""/api/v1/"""

from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.activities.api.views import ActivityViewSet

router = SimpleRouter(use_regex_path=False)
router.register("activities", ActivityViewSet, basename="activities")

urlpatterns: list[URLPattern | URLResolver] = router.urls
