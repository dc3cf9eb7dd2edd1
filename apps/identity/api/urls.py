"""/api/v1/token/ and /api/v1/me/"""

from django.urls import path

from apps.identity.api import openapi  # noqa: F401  registers the ways to authenticate
from apps.identity.api.views import MeViewSet, TokenViewSet

urlpatterns = [
    path("token/", TokenViewSet.as_view({"post": "create"}), name="token"),
    path("token/refresh/", TokenViewSet.as_view({"post": "refresh"}), name="token-refresh"),
    path("token/revoke/", TokenViewSet.as_view({"post": "revoke"}), name="token-revoke"),
    path("me/", MeViewSet.as_view({"get": "retrieve"}), name="me"),
]
