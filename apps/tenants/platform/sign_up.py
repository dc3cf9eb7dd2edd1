"""From the landing page to a school of one's own; and the operator's list of who asked."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.tenants import selectors
from apps.tenants.models import SignUp
from apps.tenants.platform.sign_up_forms import SignUpForm, defaults_for
from apps.tenants.services import visitors
from apps.tenants.services.plans.catalogue import offered_plans, selling_currency
from apps.tenants.services.plans.overview import plan_card
from apps.tenants.services.sign_ups import names, opening, requests
from apps.tenants.services.sign_ups.requests import LinkRefused
from kernel.access import OPERATOR, PUBLIC, access
from kernel.errors import DomainError
from kernel.pages import paginate, query

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
TONES = {
    SignUp.Status.PENDING: "warn",
    SignUp.Status.CONFIRMED: "info",
    SignUp.Status.DONE: "ok",
    SignUp.Status.FAILED: "bad",
    SignUp.Status.EXPIRED: "muted",
}


def visitor_of(request: HttpRequest) -> str:
    """The visitor's IP address (config.gateway.address has taken proxies into account)."""
    return str(request.META.get("REMOTE_ADDR", ""))


@access(PUBLIC)
@GET_OR_POST
def start(request: HttpRequest) -> HttpResponse:
    """The form. Without JavaScript the short name is checked when it is sent."""
    requests.check_open()
    defaults = defaults_for(request)
    plans = offered_plans(currency=selling_currency(defaults["currency"]))
    wanted = query(request, "plan")
    chosen = wanted if wanted in {plan.code for plan in plans} else _usual(plans)
    form = SignUpForm(plans, request.POST or None, initial={**defaults, "plan_code": chosen})
    status = 200
    if request.method == "POST":
        status = _send(request, form) if form.is_valid() else 422
        if status == 302:
            return redirect("platform:sign_up_sent")
    context = {
        "form": form,
        "cards": [plan_card(plan) for plan in plans],
        "chosen": form["plan_code"].value(),
        "language_name": dict(settings.LANGUAGES).get(str(form["language"].value()), ""),
        "platform_domain": settings.PLATFORM_DOMAIN,
        "hours": settings.SIGN_UP_HOURS,
    }
    return render(request, "platform/start.html", context, status=status)


def _usual(plans: list[Any]) -> str:
    codes = [plan.code for plan in plans]
    return "basic" if "basic" in codes else (codes[0] if codes else "")


def _send(request: HttpRequest, form: SignUpForm) -> int:
    """Ask for the school. Returns the status of the answer; errors are on the form."""
    if form.cleaned_data["website"]:
        return 302  # a program: it learns nothing
    try:
        requests.request_sign_up(**form.order(), address=visitor_of(request))
    except DomainError as error:
        text = error.message
        if error.code.startswith("slug_"):
            text += _suggestion(form.cleaned_data["slug"])
        form.add_error(error.field if error.field in form.fields else None, text)
        return error.status if error.status == 429 else 422
    return 302


def _suggestion(wanted: str) -> str:
    found = names.look_at(wanted).suggestion
    return " " + _("“%(slug)s” is free.") % {"slug": found} if found else ""


@access(PUBLIC)
@require_safe
def name_state(request: HttpRequest) -> HttpResponse:
    """A piece of the form: whether the short name, typed or made from the name, is free."""
    requests.check_open()
    typed = query(request, "slug").lower()
    slug = typed or names.slug_of(query(request, "school_name"))
    try:
        visitors.count(visitors.NAMES_BY_ADDRESS, visitor_of(request))
        state = names.look_at(slug) if slug else None
    except visitors.TooMany:
        state = None
    context = {"state": state, "platform_domain": settings.PLATFORM_DOMAIN}
    return render(request, "platform/_name_state.html", context)


@access(PUBLIC)
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """The same page for everybody, whatever the address."""
    context = {"hours": settings.SIGN_UP_HOURS, "has_mailbox": bool(settings.MAILBOX_DIR)}
    return render(request, "platform/start_sent.html", context)


@access(PUBLIC)
@never_cache
@GET_OR_POST
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing (mail programs open links too); the button does."""
    try:
        if request.method == "POST":
            found = requests.confirm_sign_up(token=token, address=visitor_of(request))
            opening.open_if_ready(token=found)
            return redirect("platform:sign_up_progress", token=found)
        asked = requests.open_request(token)
    except LinkRefused as refusal:
        return _refused(request, refusal)
    plans = offered_plans(currency=selling_currency(asked.currency))
    context = {
        "asked": asked,
        "host": f"{asked.slug}.{settings.PLATFORM_DOMAIN}",
        "plan": next((plan for plan in plans if plan.code == asked.plan_code), None),
    }
    return render(request, "platform/start_confirm.html", context)


def _refused(request: HttpRequest, refusal: LinkRefused) -> HttpResponse:
    context = {"refusal": refusal, "is_open": settings.SIGN_UP_OPEN}
    return render(request, "platform/start_refused.html", context, status=refusal.status)


@access(PUBLIC)
@never_cache
@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """How far the new school is. The secret address is the visitor's alone."""
    try:
        row, school, link = opening.progress_of(token=token)
    except LinkRefused as refusal:
        return _refused(request, refusal)
    context = {
        "asked": row,
        "new_school": school,
        "link": link,
        "address": selectors.address_of(school.domain) if school else "",
        "sign_in": selectors.address_of(school.domain, "/sign-in/") if school else "",
    }
    return render(request, "platform/start_progress.html", context)


@access(OPERATOR)
@require_safe
def sign_up_list(request: HttpRequest) -> HttpResponse:
    """Who asked for a school, and what came of it."""
    status = query(request, "status")
    rows = SignUp.objects.all()
    known = status if status in SignUp.Status.values else ""
    page = paginate(request, rows.filter(status=known) if known else rows)
    context = {
        "page": page,
        "rows": [{"asked": row, "tone": TONES[SignUp.Status(row.status)]} for row in page],
        "status": known,
        "tabs": _tabs(known),
        "is_open": settings.SIGN_UP_OPEN,
    }
    return render(request, "platform/sign_ups.html", context)


def _tabs(status: str) -> list[dict[str, Any]]:
    every = {"title": _("All"), "url": "?", "active": not status}
    return [every] + [
        {"title": state.label, "url": f"?status={state}", "active": state == status}
        for state in TONES
    ]
