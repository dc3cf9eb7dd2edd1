"""The mail with the confirmation link. There is no school yet whose queue could carry it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from apps.tenants.models import DEFAULT_COLOUR, SignUp
from apps.tenants.services.sign_ups.requests import CONFIRM, token_of
from kernel.schools import in_public, platform_url

_STEM = "notifications/email/sign_up"


def send_confirmation(*, sign_up_id: UUID) -> bool:
    """Mail the link, unless the request was confirmed or has expired meanwhile.

    Raises what the mail backend raises; the outbox then tries again.
    """
    with in_public():
        row = SignUp.objects.filter(pk=sign_up_id, status=SignUp.Status.PENDING).first()
    if row is None or row.expires_at <= timezone.now():
        return False
    with translation.override(row.language):
        _build(row).send()
    return True


def confirmation_url(row: SignUp) -> str:
    """The absolute link, on the platform's host."""
    path = reverse(
        "platform:confirm_sign_up",
        kwargs={"token": token_of(row, CONFIRM)},
        urlconf=settings.PLATFORM_URLCONF,
    )
    return platform_url(path)


def _build(row: SignUp) -> EmailMultiAlternatives:
    context = {
        "school": {"name": "Homeroom"},
        "school_url": platform_url("/"),
        "asked": row,
        "name": row.admin_name,
        "link": confirmation_url(row),
        "hours": settings.SIGN_UP_HOURS,
        "colour": DEFAULT_COLOUR,
        "on_colour": "#ffffff",
        "language": row.language,
        "host": f"{row.slug}.{settings.PLATFORM_DOMAIN}",
    }
    subject = " ".join(render_to_string(f"{_STEM}.subject.txt", context).split())
    context["subject"] = subject
    mail = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{_STEM}.txt", context).strip() + "\n",
        to=[row.admin_email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"{_STEM}.html", context), "text/html")
    return mail
