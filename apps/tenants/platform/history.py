"""What operators did to a school, in sentences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.models import OperatorAction
from apps.tenants.platform.shared import school_frame
from apps.tenants.services import deletion, domains, status
from apps.tenants.services.privacy import audit as privacy_audit
from apps.tenants.services.provision import PROVISIONED
from kernel.access import OPERATOR, access
from kernel.pages import paginate
from kernel.templatetags import day

Sentence = Callable[[dict[str, Any]], str]

# The sentence of each action. Modules of the console add theirs; an action without one is told
# by its code, so that nothing is ever hidden.
SENTENCES: dict[str, Sentence] = {
    PROVISIONED: lambda detail: _("Made and opened"),
    status.SUSPENDED: lambda detail: _("Suspended"),
    status.RESUMED: lambda detail: (
        _("Taken out of the archive and opened")
        if detail.get("before") == "archived"
        else _("Opened again")
    ),
    status.ARCHIVED: lambda detail: _("Archived: the school has left"),
    deletion.REQUESTED: lambda detail: (
        _("Deletion requested, for %(day)s") % {"day": _day(detail.get("delete_after", ""))}
    ),
    deletion.UNDONE: lambda detail: _("Deletion undone"),
    deletion.DELETED: lambda detail: _("Deleted"),
    domains.ADDED: lambda detail: (
        _("Address %(domain)s added without a check") % detail
        if detail.get("vouched_for")
        else _("Address %(domain)s added") % detail
    ),
    domains.CHECKED: lambda detail: _("Address %(domain)s checked: it leads here") % detail,
    domains.MADE_PRIMARY: lambda detail: (
        _("Primary address changed from %(before)s to %(domain)s") % detail
    ),
    domains.REMOVED: lambda detail: _("Address %(domain)s removed") % detail,
    privacy_audit.EXPORTED: lambda detail: _("Everything held about one person exported"),
    privacy_audit.ERASED: lambda detail: _("One person erased"),
    privacy_audit.RETIRED: lambda detail: _("What nobody needs any more let go"),
}


def _day(written: str) -> str:
    try:
        return day(datetime.fromisoformat(written), "long")
    except ValueError:
        return "?"


def told(action: OperatorAction) -> dict[str, Any]:
    """One line of a history."""
    sentence = SENTENCES.get(action.action)
    return {
        "at": action.at,
        "title": _safely(sentence, action) if sentence else action.action,
        "actor": action.actor,
        "note": action.detail.get("reason", ""),
        "has_steps": action.action == PROVISIONED,
    }


def _safely(sentence: Sentence, action: OperatorAction) -> str:
    """Details of another release may lack a word that the sentence uses."""
    try:
        return sentence(action.detail)
    except KeyError:
        return action.action


@access(OPERATOR)
@require_safe
def history(request: HttpRequest, school_id: int) -> HttpResponse:
    school = selectors.get_school(school_id=school_id)
    page = paginate(request, selectors.actions_of(school_id=school_id), per_page=50)
    context = {
        **school_frame(school, "platform:history"),
        "page": page,
        "history": [told(action) for action in page],
    }
    return render(request, "platform/history.html", context)
