"""/api/v1/"""

from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.students.api.views import ClassViewSet, GuardianViewSet, StudentViewSet

router = SimpleRouter(use_regex_path=False)
router.register("students", StudentViewSet, basename="students")
router.register("guardians", GuardianViewSet, basename="guardians")
router.register("classes", ClassViewSet, basename="classes")

urlpatterns: list[URLPattern | URLResolver] = router.urls
