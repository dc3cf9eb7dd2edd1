"""Which school a request is for: found from the host, opened before anything of a school is read,
closed after the answer."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from apps.tenants import facade as tenants
from config.gateway.problems import is_api, refusal
from kernel.languages import chosen_language
from kernel.schools import connection, speaking_for


class SchoolMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.school = None  # type: ignore[attr-defined]
        connection.set_schema_to_public()
        try:
            host = request.get_host().rsplit(":", 1)[0].lower().rstrip(".")
        except DisallowedHost:
            return self._unknown(request)
        if host == settings.PLATFORM_DOMAIN:
            return self._on_platform(request)
        school = tenants.find_school_by_host(host)
        if school is None:
            return self._unknown(request)
        return self._in_school(request, school)

    def _on_platform(self, request: HttpRequest) -> HttpResponseBase:
        request.urlconf = settings.PLATFORM_URLCONF  # type: ignore[assignment]
        with translation.override(chosen_language(request) or settings.LANGUAGE_CODE):
            return self.get_response(request)

    def _in_school(self, request: HttpRequest, school: Any) -> HttpResponseBase:
        request.school = school  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(school=school.schema_name)
        connection.set_tenant(school)
        try:
            with (
                speaking_for(school),
                translation.override(chosen_language(request) or school.language),
            ):
                if school.status != "active":
                    return _closed(request, school)
                response = self.get_response(request)
                response.headers.setdefault("Content-Language", translation.get_language() or "en")
                return response
        finally:
            connection.set_schema_to_public()

    def _unknown(self, request: HttpRequest) -> HttpResponseBase:
        """No school lives here. Says nothing of which hosts do exist."""
        request.urlconf = settings.PLATFORM_URLCONF  # type: ignore[assignment]
        return render(request, "unknown_host.html", status=404)


def _closed(request: HttpRequest, school: Any) -> HttpResponseBase:
    if is_api(request):
        return refusal(request, 503, _("This school is closed at the moment."))
    return render(request, "suspended.html", {"school": school}, status=503)
