"""Bringing a school back: as a new school beside the others, or in its own place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import SchoolRestored
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import Domain, OperatorAction, School, SideSchema
from apps.tenants.selectors import to_info
from apps.tenants.services import checks, leftovers, privacy
from apps.tenants.services.backup import building, candidates, media
from apps.tenants.services.backup.candidates import Candidate, candidate_of
from apps.tenants.services.backup.head import Head
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.swapping import swap
from apps.tenants.services.backup.take import Progress
from apps.tenants.services.schemas.versions import read_version
from apps.tenants.services.status import stream_id
from kernel.errors import Conflict, Invalid, NotFound
from kernel.owner import owner_session
from kernel.schools import in_public, in_school

RESTORED, UNDONE = "school.restored", "school.restore_undone"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `kept` is the schema that was replaced, empty for a new school."""

    school: SchoolInfo
    taken_at: datetime
    rows: int
    files: int
    kept: str = ""
    remarks: tuple[str, ...] = field(default=())


def _silent(_done: int, _total: int, _note: str) -> None:
    """Nobody is watching."""


def restore_as_new(
    *, source: Source, slug: str, name: str = "", actor: str, progress: Progress = _silent
) -> Restored:
    """A new, archived school from a backup, of this installation or another one.

    It mails nobody and speaks to no gateway; `resume_school` opens it. Raises Conflict when the
    short name is taken, Newer, Damaged, WrongKey, Incomparable; nothing is left behind then.
    """
    slug = checks.check_slug(slug)
    domain = f"{slug}.{settings.PLATFORM_DOMAIN}"
    _check_free(slug, domain)
    with candidate_of(source, progress) as candidate:
        school = candidate.school
        school.slug, school.primary_host = slug, domain
        school.name = checks.check_name(name) if name else school.name
        school.status = School.Status.ARCHIVED
        candidates.run_hooks(candidate)
        candidate.remarks.append(_left_behind(candidate.head))
        return _adopt(candidate, domain, source, actor)


def _check_free(slug: str, domain: str) -> None:
    with in_public():
        taken = School.objects.filter(slug=slug).exists()
        if taken or Domain.objects.filter(domain=domain).exists():
            message = _("The short name “%(slug)s” belongs to another school.") % {"slug": slug}
            raise Conflict(message, code="slug_taken", field="slug")


def _left_behind(head: Head) -> str:
    """What the platform gives, and a copy does not get by itself."""
    told = _("It had these addresses: %(domains)s. Plan: %(plan)s. The new school has neither.")
    plan = head.plan.get("name") or _("none")
    return told % {"domains": ", ".join(head.domains) or "–", "plan": plan}


def _adopt(candidate: Candidate, domain: str, source: Source, actor: str) -> Restored:
    """From here on it is a school: one transaction."""
    school = candidate.school
    with owner_session() as session:
        school.schema_version = read_version(session, candidate.schema_name)
    school.status_reason = _("Restored from a backup of %(at)s") % {"at": candidate.head.taken_at}
    school.status_since = timezone.now()
    try:
        with in_public(), transaction.atomic():
            school.save(force_insert=True)
            Domain.objects.create(domain=domain, tenant=school, is_primary=True)
            SideSchema.objects.filter(pk=candidate.schema_name).delete()
            result = _result(school, candidate)
            _audit(result, source, actor)
            forget_hosts()
    except IntegrityError as error:
        message = _("The short name “%(slug)s” was taken a moment ago.") % {"slug": school.slug}
        raise Conflict(message, code="slug_taken", field="slug") from error
    return result


def restore_in_place(
    *, source: Source, school_id: int, actor: str, progress: Progress = _silent
) -> Restored:
    """Put a school back to the moment of its backup.

    It is restored beside the school, which stays open meanwhile, checked, and then takes its
    place in one short transaction. The tables it replaces are kept for
    settings.BACKUP_KEEP_REPLACED_DAYS (`undo_restore`). The platform's own row of the school
    (name, address, settings, plan) stays as it is. Raises Conflict for a backup of another
    school, and what `restore_as_new` raises; nothing has changed then.
    """
    with hold_school(school_id):
        school = _school(school_id)
        with source.entries() as (head, _entries):
            _check_same_school(school, head)
        with candidate_of(source, progress) as candidate:
            candidate.school.slug, candidate.school.primary_host = school.slug, school.primary_host
            candidates.run_hooks(candidate, replaces=school.schema_name)
            progress(0, 0, _("changing over"))
            # First the files: more of them do no harm, missing ones would.
            media.move(candidate.schema_name, school.schema_name)
            kept = _swap_in(school, candidate.schema_name)
        return _done(_result(school, candidate, kept), source, actor)


def undo_restore(*, school_id: int, actor: str) -> str:
    """Put the tables that the last restore replaced back into their place.

    Files that were added or changed since stay. Returns the name under which the restored
    tables are kept now. Raises NotFound when nothing is kept any more, Busy.
    """
    with hold_school(school_id):
        school = _school(school_id)
        with in_public():
            rows = SideSchema.objects.filter(school_id=school_id, purpose=SideSchema.Purpose.KEPT)
            last = rows.order_by("-made_at").first()
        if last is None:
            raise NotFound(_("Nothing is kept of what was there before."))
        # Time went on meanwhile: releases were migrated to, people were erased.
        building.bring_forward(last.schema_name)
        kept = _swap_in(school, last.schema_name)
        with in_school(school.schema_name):
            privacy.reapply_erasures(since=last.made_at)
        with in_public():
            detail = {"back": last.schema_name, "kept": kept}
            OperatorAction.objects.create(
                school_id=school_id, actor=actor, action=UNDONE, detail=detail
            )
    return kept


def _swap_in(school: School, new: str) -> str:
    kept = swap(school_id=school.id, schema_name=school.schema_name, new=new, at=timezone.now())
    leftovers.forget_cache(school.schema_name)
    with in_public(), transaction.atomic():
        forget_hosts()
    return kept


def _school(school_id: int) -> School:
    with in_public():
        school = School.objects.filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return school


def _check_same_school(school: School, head: Head) -> None:
    """By the moment it was made: names change, and numbers repeat in another installation."""
    mine = School._meta.get_field("created_at").value_to_string(school)
    same = head.school.get("created_at") == mine and head.schema_name == school.schema_name
    if not same:
        raise Conflict(
            _(
                "This is a backup of another school (%(theirs)s), not of %(ours)s. "
                "Restore it as a new school."
            )
            % {"theirs": head.school.get("name", "?"), "ours": school.name},
            code="backup_other_school",
        )


def check_confirmed(slug: str, typed: str) -> None:
    """Raises Invalid unless the operator typed the school's short name."""
    if typed.strip() != slug:
        raise Invalid(
            _("Type the school’s short name, “%(slug)s”, to confirm.") % {"slug": slug},
            field="typed",
        )


def _result(school: School, candidate: Candidate, kept: str = "") -> Restored:
    return Restored(
        school=to_info(school),
        taken_at=candidate.head.moment,
        rows=candidate.tail.rows,
        files=len(candidate.tail.files),
        kept=kept,
        remarks=tuple(candidate.remarks),
    )


def _done(result: Restored, source: Source, actor: str) -> Restored:
    with in_public(), transaction.atomic():
        _audit(result, source, actor)
    return result


def _audit(result: Restored, source: Source, actor: str) -> None:
    detail: dict[str, Any] = {
        "backup": source.name,
        "taken_at": result.taken_at.isoformat(),
        "rows": result.rows,
        "kept": result.kept,
        "remarks": list(result.remarks),
    }
    OperatorAction.objects.create(
        school_id=result.school.id, actor=actor, action=RESTORED, detail=detail
    )
    events.publish(
        SchoolRestored(
            school_id=result.school.id,
            school_name=result.school.name,
            taken_at=result.taken_at,
            in_place=bool(result.kept),
        ),
        stream_type="school",
        stream_id=stream_id(result.school.id),
        actor=actor,
    )
