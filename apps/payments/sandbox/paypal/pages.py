"""The approval page: what is to be paid, and how it should end. No account is asked for."""

from __future__ import annotations

from html import escape

from apps.payments.sandbox import pages
from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.wire import Json
from apps.payments.sandbox.texts import LANGUAGES, amount


def approval_page(order: Json, data: Json, *, token: str, lang: str) -> str:
    """The open page. `token` proves that an answer comes from this form."""
    words, unit = LANGUAGES[lang], order["purchase_units"][0]
    total = _amount(unit["amount"], lang)
    declined = order["status"] == "APPROVED" and data["funding"] == "declined"
    return pages.document(
        words["pay_title"].format(amount=total),
        f"{pages.note(words['declined']) if declined else ''}"
        f'<p class="to">PayPal</p><h1 class="total">{escape(total)}</h1>'
        f"<p>{escape(unit.get('description') or '')}</p>"
        f"{_items(unit, total, lang)}{_form(order['id'], token, total, lang)}"
        f"{pages.link(data['cancel_url'], words['cancel'])}"
        f'<p class="hint">{escape(words["approval_hint"])}</p>',
        lang,
    )


def closed_page(order: Json, data: Json, lang: str) -> str:
    """An order that was captured says so, and where to go."""
    words = LANGUAGES[lang]
    captures = order["purchase_units"][0].get("payments", {}).get("captures", [])
    waiting = any(capture["status"] == "PENDING" for capture in captures)
    text = words["confirming"] if waiting else words["paid"]
    back = pages.link(data["return_url"], words["back"])
    return pages.document(text, f"<h1>{escape(text)}</h1>{back}", lang)


def stale_page(order_id: str, lang: str) -> str:
    """The answer to a form that is not ours, or from before the sandbox was set up anew."""
    words = LANGUAGES[lang]
    again = pages.link(f"/paypal/checkoutnow?token={order_id}", words["again"])
    return pages.document(words["stale"], f"<h1>{escape(words['stale'])}</h1>{again}", lang)


def _items(unit: Json, total: str, lang: str) -> str:
    items = [
        {
            "description": item["name"],
            "amount_total": wire.minor(item["unit_amount"]),
            "currency": item["unit_amount"]["currency_code"],
        }
        for item in unit.get("items") or ()
    ]
    return pages.table(items, total, lang) if items else ""


def _form(order_id: str, token: str, total: str, lang: str) -> str:
    words = LANGUAGES[lang]
    endings = "".join(
        f'<button name="action" value="{action}">{escape(words[action])}</button>'
        for action in pages.ENDINGS
    )
    return (
        f'<form method="post" action="/paypal/checkoutnow?token={order_id}&amp;form={token}">'
        f'<button class="pay" name="action" value="pay">'
        f"{escape(words['approve'].format(amount=total))}</button>"
        f"<fieldset><legend>{escape(words['endings'])}</legend>{endings}</fieldset></form>"
    )


def _amount(body: Json, lang: str) -> str:
    return amount(wire.minor(body), body["currency_code"], lang)
