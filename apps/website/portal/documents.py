"""Documents for download."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.website import selectors
from apps.website.permissions import EDIT_SITE
from apps.website.portal.forms import DocumentForm, UploadForm
from apps.website.portal.frame import actor_of, tabs
from apps.website.services import documents
from kernel.access import access
from kernel.errors import Invalid
from kernel.pages import paginate, query


@access(EDIT_SITE)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    q = query(request)
    page = paginate(request, selectors.list_documents(published_only=False, search=q))
    context = {"page": page, "q": q, "tabs": tabs("documents")}
    return render(request, "website/portal/documents.html", context)


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _add(request, form):
        messages.success(request, _("The document is stored."))
        return redirect("website:documents")
    context = {"form": form, "document": None, "tabs": tabs("documents")}
    return render(request, "website/portal/document_edit.html", context)


def _add(request: HttpRequest, form: UploadForm) -> bool:
    values = form.cleaned_data
    try:
        documents.add_document(
            title=values["title"],
            upload=values["file"],
            is_published=values["is_published"],
            actor=actor_of(request),
        )
    except Invalid as refused:
        form.add_error(refused.field, refused.message)
        return False
    return True


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, document_id: UUID) -> HttpResponse:
    document = selectors.get_document(document_id=document_id, published_only=False)
    start = {"title": document.title, "is_published": document.is_published}
    form = DocumentForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        documents.change_document(document_id=document_id, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("website:documents")
    context = {"form": form, "document": document, "tabs": tabs("documents")}
    return render(request, "website/portal/document_edit.html", context)


@access(EDIT_SITE)
@require_POST
def delete(request: HttpRequest, document_id: UUID) -> HttpResponse:
    documents.delete_document(document_id=document_id)
    messages.success(request, _("Deleted."))
    return redirect("website:documents")
