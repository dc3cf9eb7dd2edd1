"""The hosted page: what is paid, to whom it goes back, and how it should end. No card is asked
for; there is no field to put one into."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from apps.payments.sandbox.style import STYLE as STYLE
from apps.payments.sandbox.texts import LANGUAGES, amount
from apps.payments.sandbox.wire import Json

HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # No form-action: browsers apply it to the redirect back to the school as well.
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
]
ENDINGS = ("later", "later-fails", "decline")


def payment_page(
    session: Json, data: Json, *, token: str, declined: bool = False, lang: str = "en"
) -> str:
    """The open page. `token` proves that an answer comes from this form."""
    words = LANGUAGES[lang]
    total = amount(session["amount_total"], session["currency"], lang)
    return document(
        words["pay_title"].format(amount=total),
        f"{note(words['declined']) if declined else ''}"
        f"{_heading(session, data, total, lang)}"
        f"{table(data['items'], total, lang)}"
        f"{_form(session['id'], token, total, lang)}"
        f"{link(session['cancel_url'], words['cancel'])}"
        f'<p class="hint">{escape(words["hint"])}</p>',
        lang,
    )


def closed_page(session: Json, lang: str = "en") -> str:
    """A page that can no longer be used says so, and where to go."""
    words = LANGUAGES[lang]
    complete = session["status"] == "complete"
    target = session["success_url"] if complete else session["cancel_url"]
    text = words["closed"]
    if complete:
        text = words["paid"] if session["payment_status"] == "paid" else words["confirming"]
    back = link(target.replace("{CHECKOUT_SESSION_ID}", session["id"]), words["back"])
    return document(text, f"<h1>{escape(text)}</h1>{back}", lang)


def stale_page(session_id: str, lang: str = "en") -> str:
    """The answer to a form that is not ours, or from before the sandbox was set up anew."""
    words = LANGUAGES[lang]
    again = link(f"/c/pay/{session_id}", words["again"])
    return document(words["stale"], f"<h1>{escape(words['stale'])}</h1>{again}", lang)


def missing_page(lang: str = "en") -> str:
    text = LANGUAGES[lang]["missing"]
    return document(text, f"<h1>{escape(text)}</h1>", lang)


def home_page(lang: str = "en") -> str:
    words = LANGUAGES[lang]
    text = f"<h1>{escape(words['home'])}</h1><p>{escape(words['home_text'])}</p>"
    return document(words["home"], text, lang)


def board_page(cards: str, lang: str = "en") -> str:
    """What the outside world may do; `cards` is HTML already."""
    words = LANGUAGES[lang]
    cards = cards or f"<p>{escape(words['board_empty'])}</p>"
    text = f'<h1>{escape(words["board"])}</h1><p class="hint">{escape(words["board_hint"])}</p>'
    return document(words["board"], text + cards, lang)


def _heading(session: Json, data: Json, total: str, lang: str) -> str:
    school = urlsplit(session["success_url"]).hostname or ""
    about = f"<p>{escape(data['description'])}</p>" if data.get("description") else ""
    return (
        f'<p class="to">{escape(LANGUAGES[lang]["to"].format(school=school))}</p>'
        f'<h1 class="total">{escape(total)}</h1>{about}'
    )


def table(items: list[Json], total: str, lang: str) -> str:
    words = LANGUAGES[lang]
    rows = "".join(
        f'<tr><th scope="row">{escape(item["description"])}</th>'
        f"<td>{escape(amount(item['amount_total'], item['currency'], lang))}</td></tr>"
        for item in items
    )
    return (
        f"<table><caption>{escape(words['caption'])}</caption><tbody>{rows}</tbody>"
        f'<tfoot><tr><th scope="row">{escape(words["total"])}</th>'
        f"<td>{escape(total)}</td></tr></tfoot></table>"
    )


def _form(session_id: str, token: str, total: str, lang: str) -> str:
    words = LANGUAGES[lang]
    pay = words["pay"].format(amount=total)
    endings = "".join(
        f'<button name="action" value="{action}">{escape(words[action])}</button>'
        for action in ENDINGS
    )
    return (
        f'<form method="post" action="/c/pay/{session_id}?form={token}">'
        f'<button class="pay" name="action" value="pay">{escape(pay)}</button>'
        f"<fieldset><legend>{escape(words['endings'])}</legend>{endings}</fieldset></form>"
    )


def note(text: str) -> str:
    return f'<p class="note" role="alert">{escape(text)}</p>'


def link(target: str, text: str) -> str:
    return f'<a class="back" href="{escape(target, quote=True)}">{escape(text)}</a>'


def document(title: str, content: str, lang: str) -> str:
    banner = escape(LANGUAGES[lang]["banner"])
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – TEST</title>"
        '<link rel="stylesheet" href="/c/style.css"><link rel="icon" href="data:,"></head><body>'
        f'<header class="banner">{banner}</header><main>{content}</main></body></html>'
    )
