"""What every page's frame needs: the school, its colours, and the menu of the person who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation

from apps.identity.preferences import WELCOME
from apps.tenants import facade as tenants
from apps.tenants.permissions import VIEW_PLAN
from config.gateway import navigation
from config.gateway.theme import theme_url
from kernel.access import STAFF, Anonymous, allowed

Lazy = Callable[[], Any]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of the shells in templates/*/base.html. Functions run only where a page uses them;
    nothing here needs a database, a session or a known person, so error pages can use it."""
    school = getattr(request, "school", None)
    user = getattr(request, "user", None) or Anonymous()
    return {
        "school": school,
        "theme_url": theme_url(school),
        "year": timezone.localdate().year,
        "languages": languages,
        "brand": _lazy(lambda: tenants.branding_of(school) if school else None),
        "switched_on": _lazy(lambda: switched_on(school)),
        "welcome": _lazy(lambda: WELCOME.of(school) if school else ""),
        "nav": _lazy(lambda: navigation.portal(user, request.path, school)),
        "family_nav": _lazy(lambda: navigation.family(user, request.path, school)),
        "site_nav": _lazy(lambda: navigation.site(request.path, school)),
        "platform_nav": _lazy(lambda: navigation.platform(user, request.path)),
        "plan_notices": _lazy(lambda: plan_notices(user, school)),
        "home_url": _lazy(lambda: home_url(user)),
        "user_initials": _lazy(lambda: initials(user.name or user.email)),
        "user_role_label": _lazy(lambda: navigation.role_labels(user.roles)),
    }


def _lazy(compute: Lazy) -> Lazy:
    """Computed at most once a page: templates call it wherever they name it."""
    kept: list[Any] = []

    def value() -> Any:
        if not kept:
            kept.append(compute())
        return kept[0]

    return value


def languages() -> list[dict[str, Any]]:
    active = translation.get_language()
    return [
        {"code": code, "name": name, "active": code == active} for code, name in settings.LANGUAGES
    ]


def switched_on(school: Any) -> dict[str, bool]:
    """{% if switched_on.activities %}: for the links that a page holds beside its menu."""
    if school is None:
        return {}
    return {feature.name: feature.is_on_for(school) for feature in tenants.all_features()}


def plan_notices(user: Any, school: Any) -> list[Any]:
    """For who looks after the school's plan: the limits that it comes near or has reached."""
    return tenants.notices_at_hand(school) if school and user.can(VIEW_PLAN) else []


def home_url(user: Any) -> str:
    """Where a signed-in person belongs: staff in the portal, operators in the console."""
    if "operator" in user.roles:
        return "/operator/"
    return "/portal/" if allowed(user, STAFF) else "/family/"


def initials(name: str) -> str:
    """Up to two letters for the round picture: "Ana María Pérez" gives AP."""
    words = [word for word in name.replace("@", " ").split() if word[0].isalpha()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()
