from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.fees.api.views import FeeViewSet, InvoiceViewSet

router = SimpleRouter(use_regex_path=False)
router.register("fees", FeeViewSet, basename="fee")
router.register("invoices", InvoiceViewSet, basename="invoice")
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
