"""What a school that is not open still answers, and the notice that everything else gets.

What its status allows is said in one place (apps.tenants.contracts.STATUS_RULES). While payments
may still settle, whoever was paying can see how it ended: the page the gateway sends them back to,
and the receipt. A new payment, a sign-in, or any other page or change gets the notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from apps.tenants.contracts import (
    ARCHIVED,
    DELETING,
    PROVISIONING,
    STATUS_RULES,
    SUSPENDED,
    StatusRules,
)
from config.gateway.problems import PROBLEM_JSON, is_api, problem

READ, WRITE = frozenset({"GET", "HEAD"}), frozenset({"POST"})
# What the notice itself is made of.
ALWAYS = {"theme": READ, "branding:logo": READ}
HOOKS = {"payment_hooks:receive": WRITE}
# The rest of a payment that is under way. These pages are also answered on the host where the
# payment began, when another one has become the school's primary address meanwhile.
SETTLING = {
    "family:payment": READ,
    "family:payment_cancel": WRITE,
    "family:receipt": READ,
    "family:receipt_pdf": READ,
    "family:receipt_link": READ,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`status` as HTTP has it; `retry_after` in seconds, 0: do not come back."""

    status: int
    retry_after: int = 0


# 410: the school has left, so that search engines forget it; it must not be kept by a cache,
# since the school may come back.
NOTICES = {
    PROVISIONING: Notice(status=503, retry_after=30),
    SUSPENDED: Notice(status=503, retry_after=3600),
    ARCHIVED: Notice(status=410),
    DELETING: Notice(status=410),
}


def answers(request: HttpRequest, status: str) -> bool:
    """Whether a school in this status answers this request as if it were open."""
    rules = STATUS_RULES[status]
    return rules.opens or request.method in _methods(view_name(request), rules)


def _methods(name: str, rules: StatusRules) -> frozenset[str]:
    if name in HOOKS and rules.keeps_hooks:
        return HOOKS[name]
    if name in SETTLING and rules.works:
        return SETTLING[name]
    return ALWAYS.get(name, frozenset())


def view_name(request: HttpRequest) -> str:
    """The name of the view that a request is for, "" for an address where nothing is."""
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def closed(request: HttpRequest, school: Any) -> HttpResponseBase:
    """The notice: a page for people, problem details for machines."""
    notice = NOTICES[school.status]
    response = _problem(request, school, notice) if is_api(request) else _page(request, school)
    response.headers["Cache-Control"] = "no-store"
    if notice.retry_after:
        response.headers["Retry-After"] = str(notice.retry_after)
    return response


def _page(request: HttpRequest, school: Any) -> HttpResponse:
    template = "suspended.html" if NOTICES[school.status].retry_after else "school_left.html"
    context = {"school": school, "being_made": school.status == PROVISIONING}
    return render(request, template, context, status=NOTICES[school.status].status)


def _problem(request: HttpRequest, school: Any, notice: Notice) -> HttpResponse:
    texts = {
        PROVISIONING: _("This school is being set up."),
        SUSPENDED: _("This school is closed at the moment. Nothing can be read or changed."),
    }
    text = texts.get(school.status, _("This school has left. Nothing can be read or changed."))
    body = problem(request, notice.status, text, code=f"school_{school.status}")
    return JsonResponse(body, status=notice.status, content_type=PROBLEM_JSON)
