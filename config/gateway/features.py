"""What a school switched off cannot be opened: checked here for every view, page or API.

A view says nothing itself; the app that declared the feature names the modules it covers
(apps/<app>/preferences.py). The menus ask the same question about their addresses, so that
nothing is shown that would be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from apps.tenants import facade as tenants
from config.gateway.problems import is_api, refusal

API, WEBSITE = "api", "website"
# Looked at by robots on every host, whatever is on it.
_ALWAYS = {"apps.website.public.machines.robots"}


class FeatureMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        school = getattr(request, "school", None)
        if school is None:
            return None
        if is_api(request) and not tenants.feature_on(API, school):
            return refusal(request, 403, _("This school has switched its API off."))
        off = missing_feature(view, school)
        return None if off is None else _refused(request, off)


def _refused(request: HttpRequest, feature: tenants.Feature) -> HttpResponse:
    if request.path == "/" and feature.name == WEBSITE:
        return redirect(settings.LOGIN_URL)  # the school's address still leads somewhere
    if is_api(request):
        message = _("This school has switched “%(feature)s” off.")
        return refusal(request, 404, message % {"feature": feature.setting.label})
    return refusal(request, 404, _("There is nothing at this address."))


def path_of(view: Any) -> str:
    """The dotted path of a view's function or class, whatever decorators stand around it."""
    inner = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return f"{inner.__module__}.{getattr(inner, '__qualname__', '')}"


def missing_feature(view: Any, school: Any) -> tenants.Feature | None:
    """The feature that covers this view and is off at this school, if there is one."""
    path = path_of(view)
    if path in _ALWAYS:
        return None
    covering = tenants.features_of(path)
    return next((one for one in covering if not one.is_on_for(school)), None)


@lru_cache(maxsize=256)
def _view_at(address: str) -> Any:
    try:
        return resolve(address, settings.ROOT_URLCONF).func
    except Resolver404:
        return None


def is_open(address: str, school: Any) -> bool:
    """Whether this school's features allow the page at this address of a menu."""
    view = _view_at(address.partition("?")[0])
    return school is None or view is None or missing_feature(view, school) is None
