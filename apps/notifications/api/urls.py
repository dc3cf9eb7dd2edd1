from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.notifications.api.views import MessageViewSet

router = SimpleRouter(use_regex_path=False)
router.register("notifications", MessageViewSet, basename="notification")
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
