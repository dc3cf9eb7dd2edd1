"""Which guardian a family page is for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.students import facade as students
from apps.students.contracts import GuardianInfo


def current_guardian(request: HttpRequest) -> GuardianInfo | None:
    """The guardian of the account that is signed in. The link of a bill does not count: it may be
    handed on to somebody who pays, and shows only what is needed for that."""
    if request.user.is_authenticated and request.user.id is not None:
        return students.guardian_of_user(request.user.id)
    return None


def for_guardian(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Pass the guardian to the view; whoever is none gets a page that says how to come in."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        guardian = current_guardian(request)
        if guardian is None:
            return render(request, "activities/family/closed.html", status=403)
        return view(request, guardian, *args, **kwargs)

    return opened
