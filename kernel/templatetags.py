"""Template tags for money, dates, icons and permissions; built in to every template."""

from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_datetime, format_time
from django import template
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kernel import money as money_module
from kernel.access import allowed

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    """{{ invoice.total_minor|money:invoice.currency }}"""
    return "" if minor is None else money_module.format_money(minor, currency)


@register.filter
def day(value: date | datetime | None, style: str = "medium") -> str:
    """The date in the active language and zone; style is short, medium, long or full."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return format_date(value, style, locale=_locale())


@register.filter
def moment(value: datetime | None, style: str = "medium") -> str:
    """Date and time in the active language and zone."""
    if value is None:
        return ""
    return format_datetime(timezone.localtime(value), style, locale=_locale())


@register.filter
def clock(value: datetime | None) -> str:
    """The time of day in the active language and zone: 2:00 PM, 14:00."""
    if value is None:
        return ""
    return format_time(timezone.localtime(value), "short", locale=_locale())


def _locale() -> str:
    return translation.to_locale(translation.get_language() or "en")


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite; decorative, so hidden from screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def querystring_with(context: dict[str, Any], **changes: Any) -> str:
    """The page's own query string with some values changed; None takes a value out."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        params.pop(key, None)
        if value is not None:
            params[key] = str(value)
    return f"?{params.urlencode()}" if params else "?"


@register.simple_tag(takes_context=True)
def can(context: dict[str, Any], permission: str) -> bool:
    """{% can "fees.manage_fees" as may_manage %}"""
    request = context.get("request")
    return request is not None and allowed(request.user, permission)
