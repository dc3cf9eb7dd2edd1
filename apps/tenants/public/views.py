"""The school's logo, for everybody who sees its pages and e-mails."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from apps.tenants.services.branding import logo_file
from kernel.access import PUBLIC, access
from kernel.errors import NotFound

FOR_EVER = 365 * 24 * 3600  # seconds


@access(PUBLIC)
@require_safe
def logo(request: HttpRequest, digest: str, variant: str) -> HttpResponseBase:
    """One picture. Its address changes with its content, so it may be kept for ever."""
    etag = f'"{digest}-{variant}"'
    unchanged = get_conditional_response(request, etag=etag)
    response: HttpResponseBase
    if unchanged is not None and unchanged.status_code == 304:
        response = unchanged
    else:
        response = _picture(digest, variant)
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={FOR_EVER}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _picture(digest: str, variant: str) -> HttpResponse | FileResponse:
    try:
        file = logo_file(digest=digest, variant=variant)
    except NotFound as missing:
        raise Http404 from missing
    return FileResponse(file, content_type="image/png", filename=f"logo-{variant}.png")
