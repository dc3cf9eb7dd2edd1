"""Where a person belongs after signing in."""

from typing import Any, cast

from django.contrib import auth
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from apps.identity import backends
from apps.identity import roles as role_book
from apps.identity.models import User
from kernel.languages import remember_language
from kernel.pages import own_path


def home_of(user: Any) -> str:
    """The first page for this person's roles."""
    if role_book.OPERATOR in user.roles:
        return "/operator/"
    if not user.roles.isdisjoint(role_book.STAFF_ROLES):
        return "/portal/"
    return "/family/" if role_book.GUARDIAN in user.roles else "/account/"


def safe_next(request: HttpRequest) -> str:
    """The page asked for before signing in, only if it is on this very host; else ""."""
    return own_path(request, request.POST.get("next") or request.GET.get("next", ""))


def signed_in(request: HttpRequest) -> User:
    """The account behind the request; the gateway has checked that there is one."""
    return cast(User, request.user)


def client_address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def enter(request: HttpRequest, user: User) -> HttpResponseBase:
    """Sign the browser in with a fresh session key and show the person their page."""
    auth.login(request, user, backend=backends.PATH)
    response = redirect(safe_next(request) or home_of(user))
    if user.language:
        remember_language(response, user.language)
    return response
