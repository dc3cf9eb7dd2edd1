"""Answers, reduced to what they tell whoever asks."""

from __future__ import annotations

import re
from difflib import unified_diff
from typing import Any
from urllib.parse import quote

# Differ from one answer to the next and tell nothing: when, which request, which form.
_NOISE = [
    re.compile(r'trace_id"?: ?"?[0-9a-f]{32}'),
    re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|"X-CSRFToken": "[^"]+"'),
    re.compile(r'nonce="[^"]+"'),
    re.compile(r'(name|id)="(id_)?(token|key)" value="[^"]+"'),
    re.compile(r'value="[0-9a-f-]{36}"'),
    re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?"),
]
_HEADERS_OF_ONE_REQUEST = {"X-Request-ID", "Content-Length", "Date", "Expires", "Last-Modified"}


def told(response: Any, values: dict[str, str]) -> tuple[Any, ...]:
    """Status, headers and body, with the ids that were asked for taken out."""
    headers = sorted(
        f"{name}: {_without(str(value), values)}"
        for name, value in response.headers.items()
        if name not in _HEADERS_OF_ONE_REQUEST
    )
    # The words of the next page ("Saved.", "There is no such …") travel in a cookie.
    cookies = sorted(
        f"{name}={morsel.value.partition(':')[0] if name == 'messages' else '…'}"
        for name, morsel in response.cookies.items()
    )
    return response.status_code, tuple(headers), tuple(cookies), _without(body(response), values)


def body(response: Any) -> str:
    content = response.getvalue() if response.streaming else response.content
    return str(content.decode("utf-8", "replace"))


def _without(text: str, values: dict[str, str]) -> str:
    # The longest first: a short number is a part of others.
    for name, value in sorted(values.items(), key=lambda item: -len(item[1])):
        # A short number stands in many places; an id of that kind stands in addresses.
        before = "/" if value.isdecimal() else ""
        for written in (value, quote(value), quote(value, safe="")):
            text = text.replace(before + written, f"{before}<{name}>")
    for noise in _NOISE:
        text = noise.sub("", text)
    return text


def difference(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Where two answers part, for the message of a test."""
    texts = [
        [str(status), *headers, *cookies, *content.splitlines()]
        for status, headers, cookies, content in (one, other)
    ]
    return "\n".join(list(unified_diff(*texts, "the other's", "nobody's", lineterm="", n=0))[:12])
