"""Which school a request is for: found from the host, opened before anything of a school is read,
closed after the answer."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import translation

from apps.tenants import facade as tenants
from config.gateway.closed import answers, closed
from config.gateway.hosts import host_of, to_primary
from kernel.languages import chosen_language
from kernel.schools import connection, speaking_for


class SchoolMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.school = None  # type: ignore[attr-defined]
        connection.set_schema_to_public()
        host = host_of(request)
        if host == settings.PLATFORM_DOMAIN:
            return self._on_platform(request)
        school = tenants.find_school_by_host(host)
        if school is None:
            return self._unknown(request)
        return self._in_school(request, school, host)

    def _on_platform(self, request: HttpRequest) -> HttpResponseBase:
        request.urlconf = settings.PLATFORM_URLCONF  # type: ignore[assignment]
        with translation.override(chosen_language(request) or settings.LANGUAGE_CODE):
            return self.get_response(request)

    def _in_school(self, request: HttpRequest, school: Any, host: str) -> HttpResponseBase:
        request.school = school  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(school=school.schema_name)
        connection.set_tenant(school)
        try:
            with (
                speaking_for(school),
                translation.override(chosen_language(request) or school.language),
            ):
                response = self._answer(request, school, host)
                response.headers.setdefault("Content-Language", translation.get_language() or "en")
                return response
        finally:
            connection.set_schema_to_public()

    def _answer(self, request: HttpRequest, school: Any, host: str) -> HttpResponseBase:
        if not answers(request, school.status):
            return closed(request, school)
        return to_primary(request, school, host) or self.get_response(request)

    def _unknown(self, request: HttpRequest) -> HttpResponseBase:
        """No school lives here. Says nothing of which hosts do exist."""
        request.urlconf = settings.PLATFORM_URLCONF  # type: ignore[assignment]
        return render(request, "unknown_host.html", status=404)
