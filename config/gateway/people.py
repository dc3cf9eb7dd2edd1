"""Who asks, and whether they may. Every view declares its permission; one that does not is
refused, so a forgotten declaration can never open a page."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect

from kernel.access import STAFF_ROLES, Anonymous, allowed
from kernel.acting import PAYER, acting

OWN_SCHEMA_KEY = "schema"


def person_of(request: HttpRequest) -> Any:
    """The signed-in person. A session that was made for another school counts for nothing."""
    from kernel.schools import connection

    user: Any = get_user(request)
    if not user.is_authenticated:
        return Anonymous()
    if request.session.get(OWN_SCHEMA_KEY) != connection.schema_name:
        request.session.flush()
        return Anonymous()
    return user


class PersonMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.user = SimpleLazyObject(lambda: person_of(request))  # type: ignore[assignment]
        with acting(lambda: actor_of(request)):
            return self.get_response(request)


def actor_of(request: HttpRequest) -> str:
    """Staff and service accounts by their address. Whoever else moves money is its payer: with or
    without an account, and history must not name a parent."""
    user: Any = request.user
    return str(user.email) if set(user.roles) & {*STAFF_ROLES, "operator"} else PAYER


def declared_permission(view: Any) -> str:
    """What the view declared: on the function, or on the class behind `as_view()`."""
    for place in (view, getattr(view, "view_class", None)):
        if permission := getattr(place, "permission", ""):
            return str(permission)
    return ""


def is_api_view(view: Any) -> bool:
    """DRF views know the caller only after reading the token; kernel.api checks them."""
    return hasattr(view, "cls")


class PermissionMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if any("\x00" in value for value in kwargs.values() if isinstance(value, str)):
            raise Http404  # PostgreSQL knows no such text, so nothing can be there
        if is_api_view(view):
            return None
        permission = declared_permission(view)
        if not permission:
            raise PermissionDenied("the view declares no permission")
        if allowed(request.user, permission):
            return None
        if request.user.is_authenticated:
            raise PermissionDenied
        return _to_sign_in(request)


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page and back to the page asked for; a form is not sent again."""
    back = request.get_full_path() if request.method == "GET" else ""
    redirect: HttpResponse = redirect_to_login(back, settings.LOGIN_URL)
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(redirect.url)  # type: ignore[attr-defined]
    return redirect
