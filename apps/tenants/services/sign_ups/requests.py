"""Asking for a school, and confirming that the e-mail address is one's own.

Nothing is made before the confirmation; only the short name is kept for SIGN_UP_HOURS. Whatever
the address, the answer on the page is the same: what is particular goes by mail.
"""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.events import SignUpConfirmed, SignUpRequested
from apps.tenants.models import SignUp
from apps.tenants.models.sign_ups import new_secret
from apps.tenants.services import visitors
from apps.tenants.services.checks import SchoolOrder, check_order
from apps.tenants.services.plans.catalogue import offered_plan, selling_currency
from apps.tenants.services.sign_ups.names import look_at
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.schools import in_public

CONFIRM, PROGRESS = "homeroom.tenants.sign-up.confirm", "homeroom.tenants.sign-up.progress"
# One address may wait for this many schools at a time; more are not written to.
MOST_OPEN = 3
_STATUS = SignUp.Status
# “St. Mary’s” and “Dr.King” are names; “cheap.example”, “CHEAP.COM!” and “Cheap.Com/x” are not.
_LINK = re.compile(r"://|\b[wW]{3}\.|\w\.[a-z]{2,}\b|\w{2,}\.[A-Z]{2,}\b|\w\.\w{2,}(?:[/?]|:\d)|@")


class LinkRefused(DomainError):
    """The link cannot be used; `code` is invalid, used or expired."""

    status = 410


def check_open() -> None:
    """Raises NotFound where sign-up is switched off."""
    if not settings.SIGN_UP_OPEN:
        raise NotFound(_("Schools cannot sign up here at the moment. Please ask the operator."))


def request_sign_up(
    *,
    school_name: str,
    slug: str,
    admin_name: str,
    admin_email: str,
    plan_code: str,
    currency: str,
    language: str,
    time_zone: str,
    address: str,
) -> None:
    """Note down what is asked for and mail a link to confirm it.

    `address` is the visitor's IP address. Says nothing of whether the e-mail address is known
    here. Raises TooMany, Invalid (a field is wrong), NotFound (no such plan, sign-up is closed),
    Conflict (the short name is not free).
    """
    check_open()
    visitors.count(visitors.SIGN_UP_BY_ADDRESS, address)
    order = check_order(
        name=school_name,
        slug=slug,
        admin_email=admin_email,
        admin_name=admin_name,
        currency=currency,
        language=language,
        time_zone=time_zone,
    )
    _check_no_links(school_name=order.name, admin_name=order.admin_name)
    if not order.admin_name:
        raise Invalid(_("Please tell us your name."), field="admin_name")
    offered_plan(code=plan_code, currency=selling_currency(order.currency))
    name = look_at(order.slug, email=order.admin_email)
    if not name.is_free:
        raise Conflict(name.message, code=f"slug_{name.state}", field="slug")
    visitors.count(visitors.SIGN_UP_BY_EMAIL, order.admin_email)
    _note(order, plan_code)


def _check_no_links(**names: str) -> None:
    """Our mail must not carry a stranger's advertisement to other people."""
    for field, text in names.items():
        if _LINK.search(text):
            raise Invalid(_("A name holds no web address."), field=field)


def _note(order: SchoolOrder, plan_code: str) -> None:
    try:
        with in_public(), transaction.atomic():
            mine = SignUp.objects.filter(
                admin_email__iexact=order.admin_email, status=_STATUS.PENDING
            )
            # Asked again for the same name: the newest link counts. Expired ones let go.
            mine.filter(slug=order.slug).update(status=_STATUS.EXPIRED)
            expired = SignUp.objects.filter(slug=order.slug, expires_at__lte=timezone.now())
            expired.filter(status=_STATUS.PENDING).update(status=_STATUS.EXPIRED)
            if mine.filter(expires_at__gt=timezone.now()).count() < MOST_OPEN:
                _insert(order, plan_code)
    except IntegrityError:
        message = _("Somebody asked for “%(slug)s” a moment ago.") % {"slug": order.slug}
        raise Conflict(message, code="slug_kept", field="slug") from None


def _insert(order: SchoolOrder, plan_code: str) -> None:
    row = SignUp.objects.create(
        school_name=order.name,
        slug=order.slug,
        admin_name=order.admin_name,
        admin_email=order.admin_email,
        plan_code=plan_code,
        currency=order.currency,
        language=order.language,
        time_zone=order.time_zone,
        expires_at=timezone.now() + timedelta(hours=settings.SIGN_UP_HOURS),
    )
    events.publish(SignUpRequested(sign_up_id=row.id), stream_type="sign_up", stream_id=row.id)


def token_of(row: SignUp, purpose: str) -> str:
    """The secret part of a link. It works for one purpose, and until the row's secret changes."""
    return signing.dumps([row.id.hex, row.secret], salt=purpose)


def read_token(token: str, purpose: str, *, lock: bool = False) -> SignUp:
    """What a link points at. Raises LinkRefused. Call it in the public schema."""
    refused = LinkRefused(_("This link is not complete or was changed."), code="invalid")
    try:
        key, secret = signing.loads(token, salt=purpose)
        row_id = UUID(key)
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        raise refused from None
    rows = SignUp.objects.select_for_update() if lock else SignUp.objects.all()
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise LinkRefused(_("This link has expired."), code="expired")
    if not constant_time_compare(row.secret, str(secret)):
        raise LinkRefused(_("This link has already been used."), code="used")
    return row


def open_request(token: str, *, lock: bool = False) -> SignUp:
    """The request that a confirmation link is for. Raises LinkRefused with the reason."""
    with in_public():
        row = read_token(token, CONFIRM, lock=lock)
    if row.status != _STATUS.PENDING or row.expires_at <= timezone.now():
        message = _("This link has expired. Please sign up again; the name may still be free.")
        raise LinkRefused(message, code="expired")
    return row


def confirm_sign_up(*, token: str, address: str) -> str:
    """The address is proven: the school will be made. Returns the token of the progress page.

    The link works once. Raises LinkRefused, TooMany, NotFound where sign-up is closed.
    """
    check_open()
    visitors.count(visitors.CONFIRM_BY_ADDRESS, address)
    with in_public(), transaction.atomic():
        row = open_request(token, lock=True)
        row.status = _STATUS.CONFIRMED
        row.confirmed_at = timezone.now()
        row.secret = new_secret()
        row.save(update_fields=["status", "confirmed_at", "secret"])
        events.publish(SignUpConfirmed(sign_up_id=row.id), stream_type="sign_up", stream_id=row.id)
    return token_of(row, PROGRESS)
