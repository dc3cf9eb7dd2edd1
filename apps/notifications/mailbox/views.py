"""Every mail of a developer's machine, so that a person trying the product can follow its links.

There is no such page where mail really goes out: without MAILBOX_DIR each view is a 404.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.notifications.mailbox import files
from kernel.access import PUBLIC, access
from kernel.pages import paginate, query

# Links may be followed; nothing in a mail may run, load or send anything.
HTML_PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@access(PUBLIC)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    _check_open()
    q = query(request)
    page = paginate(request, files.newest(search=q), per_page=50)
    return render(request, "notifications/mailbox/list.html", {"page": page, "q": q})


@access(PUBLIC)
@require_safe
def detail(request: HttpRequest, file_name: str, number: int) -> HttpResponse:
    context = {"mail": _mail(file_name, number)}
    return render(request, "notifications/mailbox/detail.html", context)


@access(PUBLIC)
@require_safe
def as_html(request: HttpRequest, file_name: str, number: int) -> HttpResponse:
    response = HttpResponse(_mail(file_name, number).html)
    response["Content-Security-Policy"] = HTML_PART_POLICY
    return response


def _mail(file_name: str, number: int) -> files.Mail:
    _check_open()
    mail = files.get(file_name=file_name, number=number)
    if mail is None:
        raise Http404
    return mail


def _check_open() -> None:
    if not settings.MAILBOX_DIR:
        raise Http404
