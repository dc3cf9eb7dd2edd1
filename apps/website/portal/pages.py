"""The pages of the public site."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.website import selectors
from apps.website.models import Page
from apps.website.permissions import EDIT_SITE
from apps.website.portal.forms import PageForm
from apps.website.portal.frame import actor_of, tabs
from apps.website.portal.news import MAX_PREVIEW
from apps.website.services import pages
from apps.website.services.text import to_html
from kernel.access import access


@access(EDIT_SITE)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    context = {"pages": selectors.all_pages(), "tabs": tabs("pages")}
    return render(request, "website/portal/pages.html", context)


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, page_id: UUID | None = None) -> HttpResponse:
    page = selectors.get_page(page_id=page_id) if page_id else None
    start = {name: getattr(page, name) for name in PageForm.base_fields} if page else None
    form = PageForm(request.POST or None, initial=start)
    saving = request.method == "POST" and "preview" not in request.POST
    if saving and form.is_valid():
        saved = pages.save_page(page_id=page_id, actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("website:page_edit", page_id=saved.id)
    return _page(request, form, page)


def _page(request: HttpRequest, form: PageForm, page: Page | None) -> HttpResponse:
    text = request.POST.get("body", page.body if page else "")[:MAX_PREVIEW]
    context = {"form": form, "edited": page, "preview": to_html(text), "tabs": tabs("pages")}
    return render(request, "website/portal/page_edit.html", context)


@access(EDIT_SITE)
@require_POST
def delete(request: HttpRequest, page_id: UUID) -> HttpResponse:
    pages.delete_page(page_id=page_id)
    messages.success(request, _("Deleted."))
    return redirect("website:pages")
