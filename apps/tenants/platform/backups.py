"""A school's backups: which there are, one more now, look into one, restore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import Backup
from apps.tenants.platform.history import SENTENCES
from apps.tenants.platform.shared import (
    SCHOOL_PANELS,
    SCHOOL_TABS,
    actor_of,
    post_only,
    school_frame,
)
from apps.tenants.services import operations
from apps.tenants.services.backup import restoring, take
from apps.tenants.services.backup.catalogue import backups_of, kept_of, pin_backup
from apps.tenants.services.backup.schedule import STALE_AFTER
from apps.tenants.services.backup.sources import get_backup
from apps.tenants.services.backup.work import BACKUP, RESTORE, UNDO, VERIFY
from apps.tenants.services.checks import check_slug
from kernel.access import OPERATOR, access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate

HERE = "platform:backups"
SCHOOL_TABS.insert(2, (gettext_lazy("Backups"), HERE))
SENTENCES.update(
    {
        take.BACKED_UP: lambda detail: _("Backed up, %(rows)s rows") % detail,
        take.BACKUP_FAILED: lambda detail: _("A backup failed"),
        restoring.RESTORED: lambda detail: (
            _("Put back to the backup of %(taken_at)s") % {"taken_at": detail["taken_at"][:16]}
            if detail["kept"]
            else _("Restored from the backup of %(taken_at)s")
            % {"taken_at": detail["taken_at"][:16]}
        ),
        restoring.UNDONE: lambda detail: _("Restore undone"),
    }
)


def _short_name(label: Any) -> forms.CharField:
    typed = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    return forms.CharField(label=label, max_length=63, widget=typed)


class CopyForm(forms.Form):
    """A new school needs a short name of its own."""

    slug = _short_name(gettext_lazy("Short name of the new school"))


class PutBackForm(forms.Form):
    """In place needs the school's short name, typed."""

    typed = _short_name(gettext_lazy("The school’s short name, to confirm"))


def panel(school: SchoolInfo) -> dict[str, Any]:
    """On the school's first page: when it was backed up last, and whether that is long ago."""
    good = next((row for row in backups_of(school.id) if row.is_good), None)
    seen = max(good.started_at, good.unchanged_at or good.started_at) if good else None
    return {
        "good": good,
        "seen": seen,
        "stale": seen is None or seen < timezone.now() - STALE_AFTER,
        "school_id": school.id,
    }


SCHOOL_PANELS.append(("platform/_backup_panel.html", panel))


@access(OPERATOR)
@require_safe
def backup_list(request: HttpRequest, school_id: int) -> HttpResponse:
    school = selectors.get_school(school_id=school_id)
    page = paginate(request, backups_of(school_id))
    context = {
        **school_frame(school, HERE),
        "page": page,
        "rows": [_row(backup) for backup in page],
        "kept": kept_of(school_id),
    }
    return render(request, "platform/backups.html", context)


def _row(backup: Backup) -> dict[str, Any]:
    if backup.state != Backup.State.DONE:
        tone = "bad" if backup.state == Backup.State.FAILED else "info"
        return {"backup": backup, "tone": tone, "label": backup.get_state_display()}
    if backup.error:
        return {"backup": backup, "tone": "bad", "label": _("Damaged")}
    if backup.verified_at:
        return {"backup": backup, "tone": "ok", "label": _("Verified")}
    return {"backup": backup, "tone": "muted", "label": backup.get_state_display()}


@access(OPERATOR)
@post_only
def back_up_now(request: HttpRequest, school_id: int) -> HttpResponse:
    selectors.get_school(school_id=school_id)
    return _begin(request, BACKUP, school_id)


@access(OPERATOR)
@post_only
def look_into(request: HttpRequest, school_id: int, backup_id: UUID) -> HttpResponse:
    backup = _of_school(school_id, backup_id)
    return _begin(request, VERIFY, school_id, backup=str(backup.pk), deep=True)


@access(OPERATOR)
@post_only
def pin(request: HttpRequest, school_id: int, backup_id: UUID) -> HttpResponse:
    backup = _of_school(school_id, backup_id)
    pin_backup(backup_id=backup.pk, pinned=not backup.pinned)
    return redirect(HERE, school_id=school_id)


@access(OPERATOR)
def restore(request: HttpRequest, school_id: int, backup_id: UUID) -> HttpResponse:
    """What a restore does, said before it is done; confirmed by typing."""
    school = selectors.get_school(school_id=school_id)
    backup = _of_school(school_id, backup_id)
    copying, posted = "as_new" in request.POST, request.method == "POST"
    copy_form = CopyForm(request.POST if copying else None)
    put_back_form = PutBackForm(request.POST if posted and not copying else None)
    form = copy_form if copying else put_back_form
    if form.is_valid():
        response = _restore(request, form, school, backup)
        if response is not None:
            return response
    context = {
        **school_frame(school, HERE),
        "backup": backup,
        "form": form,
        "copy_form": copy_form,
        "put_back_form": put_back_form,
        "age": timezone.now() - (backup.taken_at or backup.started_at) > timedelta(days=2),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "platform/restore.html", context, status=status)


def _restore(
    request: HttpRequest, form: forms.Form, school: SchoolInfo, backup: Backup
) -> HttpResponse | None:
    more = {"backup": str(backup.pk)}
    try:
        if isinstance(form, CopyForm):
            more["slug"] = check_slug(form.cleaned_data["slug"].strip().lower())
        else:
            restoring.check_confirmed(school.slug, form.cleaned_data["typed"])
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    return _begin(request, RESTORE, school.id, **more)


@access(OPERATOR)
@post_only
def undo(request: HttpRequest, school_id: int) -> HttpResponse:
    selectors.get_school(school_id=school_id)
    return _begin(request, UNDO, school_id)


def _begin(request: HttpRequest, kind: str, school_id: int, **parameters: Any) -> HttpResponse:
    operation_id = operations.start_operation(
        kind=kind,
        school_id=school_id,
        actor=actor_of(request),
        parameters=parameters,
        once=kind == BACKUP,
    )
    return redirect("platform:operation", operation_id=operation_id)


def _of_school(school_id: int, backup_id: UUID) -> Backup:
    backup = get_backup(backup_id)
    if backup.school_id != school_id:
        raise NotFound(_("There is no such backup."))
    return backup
