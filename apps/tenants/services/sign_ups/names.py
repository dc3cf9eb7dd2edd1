"""Which short names are free. That a school has one is no secret: it is a public address."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.tenants.models import Domain, School, SignUp
from apps.tenants.services.checks import check_slug
from kernel.errors import Invalid
from kernel.schools import in_public

FREE, TAKEN, KEPT, BAD = "free", "taken", "kept", "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameState:
    """Whether a short name can be had; `message` says why not, `suggestion` is one that can."""

    slug: str
    state: str
    message: str = ""
    suggestion: str = ""

    @property
    def is_free(self) -> bool:
        return self.state == FREE


def slug_of(name: str) -> str:
    """A short name made of the school's name: "École Ñandú" gives "ecole-nandu"."""
    return slugify(name)[:40].strip("-")


def look_at(slug: str, *, email: str = "") -> NameState:
    """Whether `slug` is free for whoever has that address (who may already have asked for it)."""
    try:
        check_slug(slug)
    except Invalid as error:
        return NameState(slug=slug, state=BAD, message=error.message)
    state = _state(slug, email)
    if state == FREE:
        return NameState(slug=slug, state=FREE)
    texts = {
        TAKEN: _("“%(slug)s” belongs to another school."),
        KEPT: _(
            "Somebody has just asked for “%(slug)s”. It becomes free within %(hours)d hours if "
            "they do not confirm."
        ),
    }
    facts = {"slug": slug, "hours": settings.SIGN_UP_HOURS}
    return NameState(
        slug=slug, state=state, message=texts[state] % facts, suggestion=_suggestion(slug)
    )


def _state(slug: str, email: str) -> str:
    with in_public():
        host = f"{slug}.{settings.PLATFORM_DOMAIN}"
        if School.objects.filter(slug=slug).exists() or Domain.objects.filter(domain=host).exists():
            return TAKEN
        kept = open_requests().filter(slug=slug)
        if email:
            kept = kept.exclude(admin_email__iexact=email, status=SignUp.Status.PENDING)
        return KEPT if kept.exists() else FREE


def open_requests() -> QuerySet[SignUp]:
    """Requests that keep their name: waiting and not expired, or being made."""
    waiting = Q(status=SignUp.Status.PENDING, expires_at__gt=timezone.now())
    return SignUp.objects.filter(waiting | Q(status=SignUp.Status.CONFIRMED))


def _suggestion(slug: str) -> str:
    base = slug[:50].strip("-")
    for candidate in (f"{base}-school", *(f"{base}-{number}" for number in range(2, 6))):
        if _state(candidate, "") == FREE:
            return candidate
    return ""
