"""The host names of a school. A domain of the school's own leads to it once we have seen that it
reaches this installation; the address under the platform's domain needs no such look."""

from __future__ import annotations

import re
import secrets

import idna
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.tenants.events import DomainAdded, DomainRemoved
from apps.tenants.models import Domain, School
from apps.tenants.services.checks import shown
from apps.tenants.services.reach import answer_to, check_reaches_us
from apps.tenants.services.status import changing, note, tell
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public

ADDED = "domain.added"
CHECKED = "domain.checked"
REMOVED = "domain.removed"
MADE_PRIMARY = "domain.made_primary"
_LONGEST = 253
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{20,64}")
_CHANGEABLE = (School.Status.ACTIVE, School.Status.SUSPENDED, School.Status.ARCHIVED)


def add_domain(*, school_id: int, domain: str, actor: str, trusted: bool = False) -> Domain:
    """Note down a domain for a school; the same once more changes nothing.

    It leads to the school after `check_domain`. A domain of the platform's own needs no check,
    and neither does one that the operator vouches for (`trusted`). Raises Invalid for what is no
    domain or is not the school's to have, Conflict when another school has it, NotFound.
    """
    with changing(school_id, given=_CHANGEABLE) as school:
        name = check_domain_name(domain, slug=school.slug)
        known = _taken(name, school)
        if known is not None and (not known.challenge or not trusted):
            return known
        open_at_once = trusted or _is_ours(name)
        row = _put(school, known, name, "" if open_at_once else secrets.token_urlsafe(24))
        note(school, ADDED, actor, domain=name, vouched_for=trusted)
        if open_at_once:
            tell(school, _added(row), actor)
    return row


def _put(school: School, known: Domain | None, name: str, challenge: str) -> Domain:
    row = known or Domain(domain=name, tenant=school, is_primary=False)
    row.challenge = challenge
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _is_taken(name) from error
    return row


def check_domain_name(domain: str, *, slug: str) -> str:
    """The domain as DNS has it (lower case, international letters as xn--). Raises Invalid."""
    typed = domain.strip().removesuffix(".")
    try:
        name = idna.encode(typed, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        name = ""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise Invalid(
            _("“%(domain)s” is not a domain. Write it like “www.riverside.example”.")
            % {"domain": shown(domain)},
            field="domain",
        )
    if _is_ours(name) and name != f"{slug}.{settings.PLATFORM_DOMAIN}":
        raise Invalid(
            _("Below %(platform)s a school has its short name only: %(own)s.")
            % {
                "platform": settings.PLATFORM_DOMAIN,
                "own": f"{slug}.{settings.PLATFORM_DOMAIN}",
            },
            field="domain",
        )
    return name


def _is_ours(name: str) -> bool:
    return f".{name}".endswith(f".{settings.PLATFORM_DOMAIN}")


def _taken(name: str, school: School) -> Domain | None:
    """The school's own row. Raises Conflict when it is another school's."""
    row = Domain.objects.filter(domain=name).first()
    if row is not None and row.tenant_id != school.id:
        raise _is_taken(name)
    return row


def _is_taken(name: str) -> Conflict:
    return Conflict(
        _("%(domain)s belongs to another school.") % {"domain": name},
        code="domain_taken",
        field="domain",
    )


def check_domain(*, school_id: int, domain: str, actor: str) -> Domain:
    """Ask the domain whether it leads here, and let it lead to the school if it does.

    Takes up to 5 s. Raises Unavailable that says what is wrong, NotFound.
    """
    row = _find(school_id, domain)
    if not row.challenge:
        return row
    check_reaches_us(row.domain, row.challenge)  # no transaction is open meanwhile
    with changing(school_id, given=_CHANGEABLE) as school:
        row = _find(school_id, domain)
        row.challenge = ""
        row.save()
        note(school, CHECKED, actor, domain=row.domain)
        tell(school, _added(row), actor)
    return row


def make_primary(*, school_id: int, domain: str, actor: str) -> Domain:
    """The address that links carry and that the others lead to. Raises Conflict for a domain that
    does not lead here yet, NotFound."""
    with changing(school_id, given=_CHANGEABLE) as school:
        row = _find(school_id, domain)
        if row.challenge:
            raise Conflict(
                _("%(domain)s does not lead here yet: check it first.") % {"domain": row.domain}
            )
        if row.is_primary:
            return row
        before, row.is_primary = school.primary_host, True
        row.save()
        note(school, MADE_PRIMARY, actor, domain=row.domain, before=before)
        tell(school, _added(row), actor)
    return row


def remove_domain(*, school_id: int, domain: str, actor: str) -> None:
    """The domain leads to the school no more. Raises Conflict for the primary one, NotFound."""
    with changing(school_id, given=_CHANGEABLE) as school:
        row = _find(school_id, domain)
        if row.is_primary:
            raise Conflict(
                _("%(domain)s is the primary address: make another one primary first.")
                % {"domain": row.domain}
            )
        name = row.domain
        row.delete()
        note(school, REMOVED, actor, domain=name)
        tell(school, DomainRemoved(school_id=school.id, domain=name), actor)


def _added(row: Domain) -> DomainAdded:
    return DomainAdded(school_id=row.tenant_id, domain=row.domain, is_primary=row.is_primary)


def _find(school_id: int, domain: str) -> Domain:
    typed = domain.strip().removesuffix(".")
    try:
        name = idna.encode(typed, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        name = typed
    with in_public():
        row = Domain.objects.filter(tenant=school_id, domain=name).first()
    if row is None:
        raise NotFound(_("The school has no address “%(domain)s”.") % {"domain": shown(domain)})
    return row


def answer_challenge(host: str, challenge: str) -> str | None:
    """What to answer at /.well-known/homeroom/<challenge> on this host; None: nothing is there."""
    if not _CHALLENGE.fullmatch(challenge):
        return None
    with in_public():
        waits = Domain.objects.filter(domain=host, challenge=challenge).exists()
    return answer_to(host, challenge) if waits else None
