"""Errors, told once: RFC 9457 problem details for machines, a page for people."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from kernel.errors import DomainError

PROBLEM_JSON = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Server error",
    503: "Not available",
}
log = structlog.get_logger("homeroom.problems")


def problem(request: Any, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The members of a problem document (RFC 9457, 3.1)."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": request.path,
        "trace_id": getattr(request, "trace_id", ""),
        **more,
    }


# The API ------------------------------------------------------------------------------------


def api_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets an unknown error go on to the 500 page."""
    request = context["request"]
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        return _respond(request, error.status, str(error), {}, **_domain_members(error))
    if not isinstance(error, exceptions.APIException):
        return None
    headers = _headers(error)
    if isinstance(error, exceptions.ValidationError):
        return _respond(
            request, 400, "Some values are not valid.", headers, errors=_flatten(error.detail)
        )
    return _respond(request, error.status_code, str(error.detail), headers)


def _domain_members(error: DomainError) -> dict[str, Any]:
    members: dict[str, Any] = {"code": error.code}
    if error.field:
        members["errors"] = [{"field": error.field, "message": str(error)}]
    return members


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def _respond(
    request: Any, status: int, detail: str, headers: dict[str, str], **more: Any
) -> Response:
    set_rollback()
    body = problem(request, status, detail, **more)
    return Response(body, status=status, headers=headers, content_type=PROBLEM_JSON)


def _flatten(detail: Any, field: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as a list of {field, message}; fields as dotted paths."""
    if isinstance(detail, dict):
        return [e for key, value in detail.items() for e in _flatten(value, _join(field, key))]
    if isinstance(detail, list):
        nested = any(isinstance(item, (dict, list)) for item in detail)
        pairs = enumerate(detail) if nested else ((None, item) for item in detail)
        return [e for index, item in pairs for e in _flatten(item, _join(field, index))]
    return [{"field": field, "message": str(detail)}]


def _join(field: str, key: Any) -> str:
    if key is None:
        return field
    return f"{field}.{key}" if field else str(key)


def is_api(request: HttpRequest) -> bool:
    """Whether the caller is a machine, which wants its refusals as problem details."""
    return request.path.startswith("/api/")


# Pages --------------------------------------------------------------------------------------


class DomainErrorMiddleware:
    """A DomainError that a page did not handle itself becomes a page that says what is wrong."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        return refusal(request, error.status, str(error))


def refusal(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """The answer to a request that is turned down, in the caller's format."""
    if is_api(request):
        return JsonResponse(
            problem(request, status, message), status=status, content_type=PROBLEM_JSON
        )
    template = f"{status}.html" if status in (400, 403, 404, 413, 429) else "error.html"
    context = {"message": message, "status": status, "title": _(TITLES.get(status, "Error"))}
    return render(request, template, context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 400, _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 403, _("Your account may not open this page."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 404, _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Says the trace id, so that support can find the line; touches no database."""
    trace_id = getattr(request, "trace_id", "")
    if is_api(request):
        body = problem(request, 500, "Something went wrong on our side.")
        return JsonResponse(body, status=500, content_type=PROBLEM_JSON)
    return render(request, "500.html", {"trace_id": trace_id}, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("csrf refused", reason=reason)
    message = _("It is too old or came from another site. Go back, reload the page, try again.")
    if is_api(request):
        return refusal(request, 403, message)
    context = {"title": _("This form cannot be used any more"), "message": message}
    return render(request, "error.html", context, status=403)
