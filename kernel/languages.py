"""The language a reader picked: kept in a cookie, so that choosing it costs no query."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

COOKIE = "language"
COOKIE_AGE = 365 * 24 * 3600  # seconds


def chosen_language(request: HttpRequest) -> str:
    """The language of the cookie, if it is one that ships; else ""."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def remember_language(response: HttpResponseBase, language: str) -> None:
    """Keep the choice; an empty language forgets it."""
    if not language:
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        language,
        max_age=COOKIE_AGE,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
