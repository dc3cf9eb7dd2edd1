"""/portal/: the first page of everybody who works at the school."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.translation import gettext as _

from config.gateway.checklist import checklist_for
from config.gateway.overview import overview_for
from kernel.access import STAFF, access
from kernel.replica import reads_replica
from kernel.schools import today

app_name = "dashboard"


@access(STAFF)
@reads_replica
def home(request: HttpRequest) -> HttpResponse:
    """Numbers, what needs attention, what comes next; for a new school what to set up."""
    context: dict[str, Any] = {
        "overview": overview_for(request.user),
        "checklist": checklist_for(request.user),
        "greeting": greeting(request.user),
        "today": today(),
    }
    return render(request, "dashboard/home.html", context)


def greeting(user: Any) -> str:
    """By the hour in the school's own time zone."""
    words = user.name.split()
    name = words[0] if words else user.email
    hour = timezone.localtime().hour
    if hour < 12:
        return _("Good morning, %(name)s") % {"name": name}
    if hour < 18:
        return _("Good afternoon, %(name)s") % {"name": name}
    return _("Good evening, %(name)s") % {"name": name}


urlpatterns: list[URLPattern | URLResolver] = [path("", home, name="home")]
