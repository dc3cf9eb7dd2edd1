"""Staff and parent accounts: who may sign in here, and as what."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.identity import selectors
from apps.identity.models import AuditEntry, Role, User
from apps.identity.permissions import MANAGE_PEOPLE, VIEW_AUDIT
from apps.identity.portal import forms
from apps.identity.portal.account_views import blame
from apps.identity.portal.landing import signed_in
from apps.identity.services import accounts, invitations
from apps.identity.services.audit_words import (
    codes_like,
    detail_lines,
    sentence_of,
    subject_of,
)
from apps.tenants import facade as tenants
from kernel.access import access
from kernel.errors import DomainError
from kernel.pages import paginate, query
from kernel.replica import reads_replica

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


def tabs(active: str) -> list[dict[str, Any]]:
    pages = [
        ("", _("Everyone"), "/portal/people/"),
        (selectors.STAFF, _("Staff"), "/portal/people/?group=staff"),
        (selectors.PARENTS, _("Parents"), "/portal/people/?group=parents"),
        ("audit", _("Audit trail"), "/portal/people/audit/"),
    ]
    return [
        {"title": title, "label": title, "url": url, "active": key == active}
        for key, title, url in pages
    ]


def status_titles() -> dict[str, str]:
    return {
        selectors.ACTIVE: _("Active"),
        selectors.INVITED: _("Invited"),
        selectors.WITHDRAWN: _("Invitation withdrawn"),
        selectors.DEACTIVATED: _("Deactivated"),
    }


STATUS_BADGES = {
    selectors.ACTIVE: "ok",
    selectors.INVITED: "info",
    selectors.WITHDRAWN: "muted",
    selectors.DEACTIVATED: "bad",
}


def as_row(user: User) -> dict[str, Any]:
    """An account as the templates show it."""
    status = selectors.status_of(user)
    return {
        "id": user.pk,
        "name": user.name or user.email,
        "email": user.email,
        "roles": [Role(role).label for role in Role.values if role in user.roles],
        "status": status,
        "status_title": status_titles()[status],
        "badge": STATUS_BADGES[status],
        "last_login": user.last_login,
        "created_at": user.created_at,
    }


@access(MANAGE_PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponseBase:
    wanted = selectors.PeopleFilter(
        text=query(request),
        group=query(request, "group"),
        status=query(request, "status"),
    )
    page = paginate(request, selectors.people(wanted))
    context = {
        "page": page,
        "people": [as_row(user) for user in page.object_list],
        "wanted": wanted,
        "tabs": tabs(wanted.group),
        "statuses": status_titles(),
        "keep": {"group": wanted.group, "status": wanted.status},
    }
    return render(request, "identity/people.html", context)


@access(MANAGE_PEOPLE)
@GET_OR_POST
def invite(request: HttpRequest) -> HttpResponseBase:
    form = forms.InviteForm(request.POST or None)
    if form.is_valid():
        try:
            user = invitations.invite_user(**form.cleaned_data, invited_by=signed_in(request).email)
        except DomainError as error:
            blame(form, error)
        else:
            messages.success(
                request, _("An invitation is on its way to %(email)s.") % {"email": user.email}
            )
            return redirect("identity:people")
    return render(request, "identity/invite.html", {"form": form})


@access(MANAGE_PEOPLE)
@GET_OR_POST
def person(request: HttpRequest, user_id: UUID) -> HttpResponseBase:
    user = selectors.get_person(user_id)
    form = forms.RolesForm(request.POST or None, initial={"roles": sorted(user.roles)})
    if form.is_valid():
        try:
            accounts.change_roles(
                user_id=user_id, roles=form.cleaned_data["roles"], actor=signed_in(request).email
            )
        except DomainError as error:
            blame(form, error)
        else:
            messages.success(request, _("The roles of %(name)s are changed.") % {"name": user})
            return redirect("identity:person", user_id=user_id)
    context = {
        "person": as_row(user),
        "form": form,
        "invitation": selectors.latest_invitation(user),
        "is_me": user.pk == signed_in(request).pk,
    }
    return render(request, "identity/person.html", context)


def _do(
    request: HttpRequest, user_id: UUID, verb: Callable[..., User], done: str
) -> HttpResponseBase:
    """Run one verb on an account and go back to its page with the outcome."""
    try:
        user = verb(user_id=user_id, actor=signed_in(request).email)
    except DomainError as error:
        if error.status == 404:
            raise
        messages.error(request, str(error))
    else:
        messages.success(request, done % {"name": user.name or user.email, "email": user.email})
    return redirect("identity:person", user_id=user_id)


@access(MANAGE_PEOPLE)
@require_POST
def resend(request: HttpRequest, user_id: UUID) -> HttpResponseBase:
    done = _("A fresh invitation is on its way to %(email)s.")
    return _do(request, user_id, invitations.resend_invitation, done)


@access(MANAGE_PEOPLE)
@require_POST
def revoke(request: HttpRequest, user_id: UUID) -> HttpResponseBase:
    done = _("The invitation of %(name)s is withdrawn.")
    return _do(request, user_id, invitations.revoke_invitation, done)


@access(MANAGE_PEOPLE)
@require_POST
def deactivate(request: HttpRequest, user_id: UUID) -> HttpResponseBase:
    done = _("%(name)s can no longer sign in.")
    return _do(request, user_id, accounts.deactivate, done)


@access(MANAGE_PEOPLE)
@require_POST
def reactivate(request: HttpRequest, user_id: UUID) -> HttpResponseBase:
    done = _("%(name)s can sign in again.")
    return _do(request, user_id, accounts.reactivate, done)


def _details_of(entry: AuditEntry) -> dict[str, Any]:
    """Settings by what their page calls them."""
    if entry.action != "tenants.settings_changed":
        return entry.detail
    return {tenants.label_of(key): value for key, value in entry.detail.items()}


@access(VIEW_AUDIT)
@require_safe
@reads_replica
def audit(request: HttpRequest) -> HttpResponseBase:
    text = query(request)
    trail = selectors.audit_trail(text=text, codes=codes_like(text) if text else ())
    page = paginate(request, trail, per_page=50)
    context = {
        "page": page,
        "entries": [
            (
                entry,
                sentence_of(entry.action),
                subject_of(entry),
                detail_lines(_details_of(entry)),
            )
            for entry in page.object_list
        ],
        "q": text,
        "tabs": tabs("audit"),
    }
    return render(request, "identity/audit.html", context)
