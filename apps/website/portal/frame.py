"""What the pages of the site's editor share: the tabs above them, and who is at work."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def actor_of(request: HttpRequest) -> str:
    """The e-mail of the signed-in person, for the record."""
    return str(getattr(request.user, "email", ""))


def tabs(active: str) -> list[dict[str, object]]:
    parts = [
        ("profile", _("Profile")),
        ("news", _("News")),
        ("pages", _("Pages")),
        ("staff", _("Staff")),
        ("documents", _("Documents")),
    ]
    return [
        {"title": title, "url": reverse(f"website:{name}"), "active": name == active}
        for name, title in parts
    ]
