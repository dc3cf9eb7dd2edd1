"""Where the OpenAPI document and its page are served."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

# The page is a template: there is nothing to describe in answer to OPTIONS.
docs = SpectacularSwaggerSplitView.as_view(url_name="api-schema", http_method_names=["get", "head"])

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    # The split view keeps its script in a file of its own: the page's policy allows no other.
    path("docs/", docs, name="api-docs"),
]
