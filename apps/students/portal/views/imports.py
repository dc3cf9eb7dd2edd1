"""Pages of the families import: upload, dry run, import, history, undo."""

import csv
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.students.permissions import IMPORT_FAMILIES
from apps.students.portal.forms import UploadForm, refuse
from apps.students.selectors import imports as import_selectors
from apps.students.services import csv_text, imports, undo
from kernel.access import access
from kernel.errors import DomainError, Invalid
from kernel.pages import paginate
from kernel.replica import reads_replica
from kernel.sheets import harmless

FORM_OVERHEAD = 64 * 1024  # bytes that a multipart form adds around its file
DISCARD_AT_MOST = 100 * 1024 * 1024
CHUNK = 256 * 1024


# Django reads the whole form to find the CSRF token. An upload that is too large is refused before
# that: nothing of it is kept in memory or on the disk. Everything else passes csrf_protect.
@access(IMPORT_FAMILIES)
@csrf_exempt
@require_http_methods(["GET", "POST"])
def import_upload(request: HttpRequest) -> HttpResponse:
    size = _declared_size(request)
    if size > csv_text.MAX_BYTES + FORM_OVERHEAD:
        _throw_away(request, size)
        return _too_large(request, size)
    return _upload(request)


def _declared_size(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def _throw_away(request: HttpRequest, size: int) -> None:
    """Take the body off the line, so that the browser stays to read the answer."""
    left = min(size, DISCARD_AT_MOST)
    while left > 0 and (chunk := request.read(min(CHUNK, left))):
        left -= len(chunk)


def _too_large(request: HttpRequest, size: int) -> HttpResponse:
    return _upload_page(request, UploadForm(), refused=csv_text.too_large(size), status=413)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _upload_page(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            upload = form.cleaned_data["file"]
            csv_text.check_size(upload.size)
            record = imports.check_families_file(
                content=upload.read(), file_name=upload.name, actor=request.user.get_username()
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect("students:import_detail", record.id)
    return _upload_page(request, form, status=422)


def _upload_page(
    request: HttpRequest, form: UploadForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    page = paginate(request, import_selectors.import_rows(), per_page=10)
    page.object_list = [
        import_selectors.import_info(row, with_rows=False) for row in page.object_list
    ]
    context = {"form": form, "page": page, "refused": refused}
    return render(request, "students/import_upload.html", context, status=status)


@access(IMPORT_FAMILIES)
@require_GET
def import_detail(request: HttpRequest, import_id: UUID) -> HttpResponse:
    return _detail_page(request, import_id)


def _detail_page(
    request: HttpRequest, import_id: UUID, *, refused: list[str] | None = None, status: int = 200
) -> HttpResponse:
    info = import_selectors.get_import(import_id)
    context = {
        "import": info,
        "page": paginate(request, info.problems, per_page=50),
        "notices": info.notices[:50],
        "same_file": import_selectors.earlier_import_of(info.id, info.sha256),
        "refused": refused or [],
    }
    return render(request, f"students/import_{info.state}.html", context, status=status)


@access(IMPORT_FAMILIES)
@require_POST
def import_confirm(request: HttpRequest, import_id: UUID) -> HttpResponse:
    try:
        imports.import_families(
            import_id=import_id,
            actor=request.user.get_username(),
            skip_bad_rows=request.POST.get("skip_bad_rows") == "yes",
        )
    except Invalid as error:
        return _detail_page(request, import_id, refused=[error.message], status=422)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The families were imported."))
    return redirect("students:import_detail", import_id)


@access(IMPORT_FAMILIES)
@require_POST
def import_undo(request: HttpRequest, import_id: UUID) -> HttpResponse:
    try:
        undo.undo_import(import_id=import_id, actor=request.user.get_username())
    except undo.UndoRefused as error:
        return _detail_page(request, import_id, refused=error.reasons, status=409)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The import was undone: everything is as it was before."))
    return redirect("students:import_detail", import_id)


@access(IMPORT_FAMILIES)
@require_POST
def import_discard(request: HttpRequest, import_id: UUID) -> HttpResponse:
    try:
        imports.discard_import(import_id=import_id)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("students:import_detail", import_id)
    messages.success(request, _("The file was discarded. Nothing was imported."))
    return redirect("students:import")


@access(IMPORT_FAMILIES)
@require_GET
@reads_replica
def import_problems(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """The bad rows as a CSV file, for whoever corrects the original."""
    info = import_selectors.get_import(import_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="import-problems.csv"'
    response.write("\ufeff")  # so that Excel reads it as UTF-8
    writer = csv.writer(response)
    writer.writerow([_("Line"), _("Column"), _("Reason")])
    for problem in info.problems:
        writer.writerow([problem.line, problem.column, harmless(problem.reason)])
    return response
