"""The addresses of a school: its own domains beside the one under the platform's."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.tenants import selectors
from apps.tenants.contracts import ACTIVE, ARCHIVED, SUSPENDED
from apps.tenants.models import Domain
from apps.tenants.platform.forms import DomainForm
from apps.tenants.platform.shared import actor_of, post_only, school_frame
from apps.tenants.services import domains as service
from apps.tenants.services.reach import PLACE
from kernel.access import OPERATOR, access
from kernel.errors import DomainError, NotFound, Unavailable


@access(OPERATOR)
def domain_list(request: HttpRequest, school_id: int) -> HttpResponse:
    form = DomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = service.add_domain(
                school_id=school_id,
                domain=form.cleaned_data["domain"],
                actor=actor_of(request),
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("%(domain)s is noted down.") % {"domain": row.domain})
            return redirect("platform:domains", school_id=school_id)
    school = selectors.get_school(school_id=school_id)
    context = {
        **school_frame(school, "platform:domains"),
        "form": form,
        "domains": [
            {"row": row, "address": selectors.address_of(row.domain)}
            for row in selectors.list_domain_rows(school_id=school_id)
        ],
        "may_change": school.status in (ACTIVE, SUSPENDED, ARCHIVED),
        "place": PLACE,
        "platform_domain": settings.PLATFORM_DOMAIN,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "platform/domains.html", context, status=status)


@access(OPERATOR)
@post_only
def check(request: HttpRequest, school_id: int, domain_id: int) -> HttpResponse:
    row = _row(school_id, domain_id)
    try:
        service.check_domain(school_id=school_id, domain=row.domain, actor=actor_of(request))
    except Unavailable as error:
        messages.error(request, error.message)
    else:
        told = _("%(domain)s leads to the school from now on.") % {"domain": row.domain}
        messages.success(request, told)
    return redirect("platform:domains", school_id=school_id)


@access(OPERATOR)
@post_only
def primary(request: HttpRequest, school_id: int, domain_id: int) -> HttpResponse:
    row = _row(school_id, domain_id)
    service.make_primary(school_id=school_id, domain=row.domain, actor=actor_of(request))
    told = _("%(domain)s is the primary address; the others lead to it.") % {"domain": row.domain}
    messages.success(request, told)
    return redirect("platform:domains", school_id=school_id)


@access(OPERATOR)
@post_only
def remove(request: HttpRequest, school_id: int, domain_id: int) -> HttpResponse:
    row = _row(school_id, domain_id)
    service.remove_domain(school_id=school_id, domain=row.domain, actor=actor_of(request))
    messages.success(request, _("%(domain)s is removed.") % {"domain": row.domain})
    return redirect("platform:domains", school_id=school_id)


def _row(school_id: int, domain_id: int) -> Domain:
    for row in selectors.list_domain_rows(school_id=school_id):
        if row.id == domain_id:
            return row
    raise NotFound(_("The school has no such address."))
