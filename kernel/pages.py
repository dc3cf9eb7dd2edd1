"""What pages share: the search text, the page of a list, and the way back."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

MAX_QUERY = 100


def query(request: HttpRequest, name: str = "q") -> str:
    """The search text: trimmed, at most 100 characters, without NUL (PostgreSQL refuses it)."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:MAX_QUERY]


def paginate(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], per_page: int = 25
) -> Page[Any]:
    """The page that ?page= names; a bad or distant number gives the nearest page there is."""
    return Paginator(rows, per_page).get_page(request.GET.get("page", "1"))


def own_path(request: HttpRequest, wanted: str) -> str:
    """`wanted` when it is the path of a page on this very host, else "".

    Only what starts with a slash is a path: Django's `redirect` takes other words for the name of
    a view.
    """
    on_this_host = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if wanted.startswith("/") and on_this_host and "\x00" not in wanted else ""
