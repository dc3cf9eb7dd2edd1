"""What every public page has: permission, caching, and the frame's menu."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.website import selectors
from kernel.access import PUBLIC, access
from kernel.errors import NotFound

FRESH_SECONDS = 60

View = Callable[..., HttpResponseBase]


def public_page(view: View) -> View:
    """A page for strangers: read only, a 404 page for what is not there, and a short life in
    caches for visitors who are not signed in (the page of a signed-in person shows their menu)."""

    @access(PUBLIC)
    @require_safe
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except NotFound as missing:
            return _not_found(request, missing)
        if response.has_header("Cache-Control"):
            return response
        if request.user.is_authenticated:
            patch_cache_control(response, private=True, no_cache=True)
        else:
            patch_cache_control(response, public=True, max_age=FRESH_SECONDS)
        return response

    return wrapper


def _not_found(request: HttpRequest, missing: NotFound) -> HttpResponse:
    return site_page(
        request, "website/public/not_found.html", {"message": missing.message}, status=404
    )


def site_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page in the frame of the public site (one query: the menu)."""
    pages = [
        {"title": page.title, "url": f"/pages/{page.slug}/"} for page in selectors.menu_pages()
    ]
    return render(request, template, {"site_menu": pages, **context}, status=status)


def not_there() -> NotFound:
    """What a visitor is told about an address that leads nowhere."""
    return NotFound(_("This page does not exist, or not any more."))
