"""How large a request may be."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from config.gateway.problems import refusal

CHUNK = 64 * 1024
# A body that is refused is still read, up to here: a browser whose upload is cut off shows
# "connection reset" instead of our answer.
DISCARD_AT_MOST = 100_000_000


class BodyLimitMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = content_length(request)
        if length <= settings.UPLOAD_MAX_BYTES:
            return self.get_response(request)
        _discard(request, min(length, DISCARD_AT_MOST))
        megabytes = settings.UPLOAD_MAX_BYTES // 1_000_000
        message = _("This upload is larger than %(limit)d MB. Choose a smaller file.")
        return refusal(request, 413, message % {"limit": megabytes})


def content_length(request: HttpRequest) -> int:
    """The announced length in bytes; 0 when there is none or it is not a number."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    return int(announced) if announced.isdecimal() else 0


def _discard(request: HttpRequest, length: int) -> None:
    while length > 0:
        chunk = request.read(min(CHUNK, length))
        if not chunk:
            return
        length -= len(chunk)
