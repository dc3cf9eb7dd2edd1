"""What the public site holds about a person: staff who are named on it."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.tenants.facade import privacy
from apps.website.models import Document, NewsPost, Page, SchoolProfile, StaffEntry

privacy.nobody_in(
    {
        Page: "texts that the school publishes; whoever is named in them is named by an editor",
    }
)


def _entries(person: privacy.Person) -> QuerySet[StaffEntry]:
    """By address; a name alone may be somebody else's, except for an account's own."""
    mine = Q(email__in=person.emails)
    if person.kind == privacy.USER:
        mine |= Q(name=person.name, email="")
    return StaffEntry.objects.filter(mine)


def _posts(person: privacy.Person) -> QuerySet[NewsPost]:
    return NewsPost.objects.filter(author_name=person.name if person.user_ids else None)


@privacy.collects(StaffEntry)
def export_directory(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = _entries(person)
    yield privacy.Section(
        name="website.staff",
        title=_("Staff directory"),
        columns={"name": _("Name"), "position": _("Position"), "email": _("E-mail")},
        rows=tuple({"name": r.name, "position": r.position, "email": r.email} for r in rows),
    )


@privacy.collects(NewsPost, Document, SchoolProfile)
def export_authorship(person: privacy.Person) -> Iterator[privacy.Section]:
    posts = [(_("News"), post.title, post.created_at) for post in _posts(person)]
    files = Document.objects.filter(uploaded_by__in=person.emails)
    uploads = [(_("Document"), row.title, row.uploaded_at) for row in files]
    head = SchoolProfile.objects.filter(principal=person.name) if person.user_ids else ()
    profile = [(_("Head of school on the site"), row.principal, row.updated_at) for row in head]
    yield privacy.Section(
        name="website.authorship",
        title=_("Published under this name"),
        columns={"kind": _("What"), "title": _("Title"), "at": _("When")},
        rows=tuple(
            {"kind": kind, "title": title, "at": at}
            for kind, title, at in (*posts, *uploads, *profile)
        ),
        note=_("The texts and files are the school's and are on its site."),
    )


@privacy.erases(StaffEntry, NewsPost, Document, SchoolProfile)
def erase_from_site(work: privacy.Erasing) -> None:
    person = work.person
    work.removed(_("Entries in the staff directory"), _entries(person).delete()[0])
    work.removed(_("Name of the author on news"), _posts(person).update(author_name=""))
    uploads = Document.objects.filter(uploaded_by__in=person.emails)
    work.removed(_("Address of the uploader on documents"), uploads.update(uploaded_by=""))
    if person.user_ids:
        profile = SchoolProfile.objects.filter(principal=person.name)
        work.removed(_("Head of school on the site"), profile.update(principal=""))
