"""The platform's front page: what Homeroom is, what it costs, where one's own school is."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.platform.sign_up import visitor_of
from apps.tenants.platform.sign_up_forms import defaults_for
from apps.tenants.services import visitors
from apps.tenants.services.plans.catalogue import offered_plans, selling_currency
from apps.tenants.services.plans.overview import plan_card
from kernel.access import PUBLIC, access
from kernel.pages import query


@access(PUBLIC)
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    currency = selling_currency(defaults_for(request)["currency"])
    plans = offered_plans(currency=currency)
    context = {
        "cards": [plan_card(plan) for plan in plans],
        "favourite": "basic",
        "trial_days": max((plan.trial_days for plan in plans), default=0),
        "sign_up_open": settings.SIGN_UP_OPEN and bool(plans),
        "platform_domain": settings.PLATFORM_DOMAIN,
    }
    return render(request, "platform/landing.html", context)


@access(PUBLIC)
@require_safe
def find_school(request: HttpRequest) -> HttpResponse:
    """The way to one's own school: whoever knows its name or address is led there. Nothing is
    listed, and half a name finds nothing."""
    text, problem, status, found = query(request), "", 200, None
    if text:
        try:
            visitors.count(visitors.FIND_BY_ADDRESS, visitor_of(request))
            found = selectors.find_open_school(text)
        except visitors.TooMany as error:
            problem, status = error.message, error.status
        if found is None and not problem:
            problem = _(
                "No school answers to “%(text)s”. Its name or address must be complete; it stands "
                "in every e-mail of the school."
            ) % {"text": text}
    # A link, not a redirect: browsers block the way from a form to another host.
    context = {
        "q": text,
        "problem": problem,
        "found": found,
        "address": selectors.address_of(found.domain) if found else "",
        "sign_in": selectors.address_of(found.domain, "/sign-in/") if found else "",
    }
    return render(request, "platform/find.html", context, status=status)
