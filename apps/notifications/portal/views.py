"""What the school has written to people, whether it arrived at the mail server, and again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.notifications import selectors
from apps.notifications.models import Message
from apps.notifications.permissions import SEND_MESSAGES, VIEW_MESSAGES
from apps.notifications.services import composing, queueing
from kernel.access import access
from kernel.pages import paginate, query
from kernel.replica import reads_replica

# The HTML part has inline styles, as mail programs need them; it may do nothing else.
HTML_PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


@access(VIEW_MESSAGES)
@require_safe
@reads_replica
def index(request: HttpRequest) -> HttpResponse:
    q = query(request)
    status, kind = query(request, "status"), query(request, "kind")
    rows = selectors.list_messages(search=q, status=status, kind=kind)
    counts = selectors.count_by_status()
    context = {
        "page": paginate(request, rows),
        "q": q,
        "status": status,
        "kind": kind,
        "statuses": Message.Status.choices,
        "kinds": Message.Kind.choices,
        "failed": counts.get(Message.Status.FAILED, 0),
        "filtered": bool(q or status or kind),
    }
    return render(request, "notifications/portal/list.html", context)


@access(VIEW_MESSAGES)
@require_safe
def detail(request: HttpRequest, message_id: UUID) -> HttpResponse:
    message = selectors.get_message(message_id=message_id)
    context = {
        "message": message,
        "text": _without_link(message.body_text),
        "attempts": selectors.list_attempts(message_id=message_id),
        "may_be_silenced": message.kind in queueing.OPTIONAL_KINDS,
        "is_wanted": queueing.is_wanted(address=message.to_address, kind=message.kind),
    }
    return render(request, "notifications/portal/detail.html", context)


def _without_link(text: str) -> str:
    """The personal link opens somebody else's account: staff see that there is one, no more."""
    return text.replace(composing.LINK_PLACEHOLDER, _("[the recipient's own link]"))


@access(VIEW_MESSAGES)
@require_safe
def as_html(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """The HTML part as a page of its own that can run nothing; its own link leads nowhere."""
    message = selectors.get_message(message_id=message_id)
    response = HttpResponse(message.body_html)
    response["Content-Security-Policy"] = HTML_PART_POLICY
    response["Cache-Control"] = "private, no-store"
    return response


@access(SEND_MESSAGES)
@require_POST
def retry(request: HttpRequest, message_id: UUID) -> HttpResponse:
    queueing.retry_message(message_id=message_id)
    messages.success(request, _("The message is on its way again."))
    return redirect("notifications:detail", message_id=message_id)


@access(SEND_MESSAGES)
@require_POST
def retry_failed(request: HttpRequest) -> HttpResponse:
    number = queueing.retry_failed()
    text = ngettext(
        "%(number)d message is on its way again.",
        "%(number)d messages are on their way again.",
        number,
    )
    messages.success(request, text % {"number": number})
    return redirect("notifications:list")


@access(SEND_MESSAGES)
@require_POST
def preference(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Stop, or start again, this kind of message to this address."""
    message = selectors.get_message(message_id=message_id)
    wanted = request.POST.get("wanted") == "yes"
    queueing.set_preference(address=message.to_address, kind=message.kind, wanted=wanted)
    messages.success(request, _("Saved."))
    return redirect("notifications:detail", message_id=message_id)
