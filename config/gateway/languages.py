"""The language switch: remembers the reader's choice in a cookie that the gateway reads."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kernel.access import PUBLIC, access
from kernel.languages import remember_language
from kernel.pages import own_path


@access(PUBLIC)
@csrf_exempt  # changes nothing but the reader's own cookie; public pages then set no other one
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Back to the page the reader was on, in the language they chose; an unknown one changes
    nothing."""
    response = redirect(own_path(request, request.POST.get("next", "")) or "/")
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        remember_language(response, language)
    return response
