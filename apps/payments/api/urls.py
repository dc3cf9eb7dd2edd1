"""/api/v1/payments/"""

from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.payments.api.views import PaymentViewSet

router = SimpleRouter(use_regex_path=False)
router.register("payments", PaymentViewSet, basename="payments")

urlpatterns: list[URLPattern | URLResolver] = router.urls
