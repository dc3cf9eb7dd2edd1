"""Signed family links: they open one guardian's page without a login, expire and can be revoked.

A token is the link's id with a signature that covers the school, so a token of one school is a
tampered one in any other. What it opens is decided by the row, not by the token.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from apps.events import facade as events
from apps.fees.events import FamilyLinkRequested
from apps.fees.models import FamilyLink, LinkRequest
from apps.fees.preferences import FAMILY_LINK
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.schools import current_school, school_url

LIFE = timedelta(days=45)
REUSED_FOR = timedelta(days=7)  # mails of one week carry the same link
WINDOW = timedelta(hours=1)
PER_EMAIL = 3
PER_ADDRESS = 20


class LinkRefused(Exception):
    """The link does not open anything (expired, revoked, tampered or of another school)."""


def family_link_path(*, guardian_id: UUID) -> str:
    """A link for this guardian: /family/l/<token>/. Makes one unless this week's still stands."""
    now = timezone.now()
    fresh = FamilyLink.objects.filter(
        guardian_id=guardian_id, revoked_at=None, created_at__gt=now - REUSED_FOR
    )
    link = fresh.order_by("-created_at").first()
    if link is None:
        link = FamilyLink.objects.create(
            guardian_id=guardian_id, expires_at=now + LIFE, created_at=now
        )
    return f"/family/l/{token_of(link.id)}/"


def family_link_url(*, guardian_id: UUID) -> str:
    """The same as an absolute address on the school's host; where the school switched links off,
    the address of the family's page, which asks guardians to sign in."""
    if not FAMILY_LINK.is_on:
        return school_url("/family/")
    return school_url(family_link_path(guardian_id=guardian_id))


def receipt_url(*, payment_id: UUID, guardian_id: UUID) -> str:
    """An absolute address that opens this receipt without a login."""
    if not FAMILY_LINK.is_on:
        return school_url(f"/family/receipts/{payment_id}/")
    path = family_link_path(guardian_id=guardian_id)
    return school_url(f"{path}receipts/{payment_id}/")


def token_of(link_id: UUID) -> str:
    raw = base64.urlsafe_b64encode(link_id.bytes).decode().rstrip("=")
    return _signer().sign(raw)


def open_link(*, token: str) -> FamilyLink:
    """The link behind a token. Raises LinkRefused."""
    try:
        raw = _signer().unsign(token)
        link_id = UUID(bytes=base64.urlsafe_b64decode(raw + "=="))
    except (signing.BadSignature, binascii.Error, ValueError) as error:
        raise LinkRefused from error
    return standing_link(link_id=link_id)


def standing_link(*, link_id: UUID) -> FamilyLink:
    """A link that still opens its page. Raises LinkRefused once it has expired or is revoked, and
    while the school has links switched off."""
    if not FAMILY_LINK.is_on:
        raise LinkRefused
    now = timezone.now()
    link = FamilyLink.objects.filter(pk=link_id, revoked_at=None, expires_at__gt=now).first()
    if link is None:
        raise LinkRefused
    return link


def _signer() -> signing.Signer:
    return signing.Signer(salt=f"fees.family_link:{current_school().schema_name}", sep=".")


def revoke_links(*, guardian_id: UUID) -> int:
    """No link that was ever sent to this guardian opens anything any more."""
    standing = FamilyLink.objects.filter(guardian_id=guardian_id, revoked_at=None)
    return standing.update(revoked_at=timezone.now())


@transaction.atomic
def send_link(*, guardian_id: UUID, actor: str) -> GuardianInfo:
    """Ask for a mail with a fresh link. Raises NotFound for an unknown guardian."""
    guardian = students.get_guardian(guardian_id)
    event = FamilyLinkRequested(
        guardian_id=guardian.id,
        guardian_name=guardian.name,
        guardian_email=guardian.email,
        language=guardian.language,
    )
    events.publish(event, stream_type="guardian", stream_id=guardian.id, actor=actor)
    return guardian


@transaction.atomic
def request_link(*, email: str, address: str) -> bool:
    """A stranger asks for a fresh link. Whether one was sent (the page must not tell): only to a
    guardian the school knows, and a few times an hour for one mailbox or one address."""
    forget_old_requests()
    if not (_may_ask(f"email:{email.lower()}", PER_EMAIL) and _may_ask(address, PER_ADDRESS)):
        return False
    guardian = students.find_guardian_by_email(email)
    if guardian is None:
        return False
    send_link(guardian_id=guardian.id, actor="family")
    return True


def _may_ask(who: str, most: int) -> bool:
    key = _counter_key(who)
    since = timezone.now() - WINDOW
    LinkRequest.objects.create(key=key)
    return LinkRequest.objects.filter(key=key, created_at__gt=since).count() <= most


def _counter_key(who: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), who.encode(), sha256).hexdigest()


def forget_requests_of(*, emails: Iterable[str]) -> int:
    """Delete the counters of these addresses; returns how many."""
    keys = [_counter_key(f"email:{email.lower()}") for email in emails]
    return LinkRequest.objects.filter(key__in=keys).delete()[0]


def forget_old_requests() -> int:
    """Delete the counters of yesterday and before; returns how many."""
    old = LinkRequest.objects.filter(created_at__lt=timezone.now() - timedelta(days=1))
    return old.delete()[0]
