"""The words of the hosted page, in the languages that Homeroom speaks, and how amounts look."""

from __future__ import annotations

from decimal import Decimal

# Decimals of the currencies that do not have two, as Stripe counts them.
_NONE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"

ENGLISH = {
    "banner": "TEST — no real money",
    "home": "Homeroom sandbox gateway – no real money",
    "home_text": "Schools try out payments here. There are no cards, no banks and no money.",
    "pay_title": "Pay {amount}",
    "to": "Payment to {school}",
    "caption": "What you are paying",
    "total": "Total",
    "pay": "Pay {amount}",
    "later": "Pay later (the bank confirms in a few seconds)",
    "later-fails": "Pay later, then the bank refuses",
    "decline": "Decline the card",
    "endings": "Or try another ending",
    "cancel": "Cancel and go back",
    "hint": "A practice gateway: choose how the payment should end. "
    "No card is asked for and none is charged.",
    "declined": "The card was declined. Nothing was charged. Try again, or go back.",
    "stale": "This form is out of date. Nothing was charged.",
    "again": "Open the page again",
    "paid": "This has been paid.",
    "confirming": "This payment is waiting for the bank.",
    "closed": "This payment page is no longer open.",
    "back": "Back to the school",
    "missing": "There is no such payment page.",
    "approve": "Agree and pay {amount}",
    "approval_hint": "PayPal for practice: choose how the payment should end. "
    "Nobody signs in, and no money moves.",
    "board": "What the outside world may do",
    "board_hint": "The newest payments. What you press here the school hears by messages.",
    "board_empty": "Nobody has paid yet.",
    "do_settle": "The bank confirms",
    "do_deny": "The bank refuses",
    "do_refund": "Refund it in the dashboard",
    "do_dispute": "The payer’s bank disputes it",
    "do_inquire": "The payer’s bank only asks about it",
    "do_escalate": "The bank makes a dispute of it",
    "do_content": "The bank is content",
    "do_answer": "The school sends evidence",
    "do_won": "The bank decides for the school",
    "do_lost": "The bank decides for the payer",
}

SPANISH = {
    "banner": "PRUEBA — sin dinero real",
    "home": "Pasarela de prueba de Homeroom – sin dinero real",
    "home_text": "Aquí los colegios prueban los pagos. No hay tarjetas, bancos ni dinero.",
    "pay_title": "Pagar {amount}",
    "to": "Pago a {school}",
    "caption": "Lo que va a pagar",
    "total": "Total",
    "pay": "Pagar {amount}",
    "later": "Pagar más tarde (el banco confirma en unos segundos)",
    "later-fails": "Pagar más tarde y que el banco lo rechace",
    "decline": "Rechazar la tarjeta",
    "endings": "O pruebe otro final",
    "cancel": "Cancelar y volver",
    "hint": "Es una pasarela de práctica: elija cómo debe terminar el pago. "
    "No se pide ninguna tarjeta ni se cobra nada.",
    "declined": "La tarjeta fue rechazada. No se ha cobrado nada. Inténtelo de nuevo o vuelva.",
    "stale": "Este formulario ha caducado. No se ha cobrado nada.",
    "again": "Abrir la página de nuevo",
    "paid": "Este pago ya está hecho.",
    "confirming": "Este pago está a la espera del banco.",
    "closed": "Esta página de pago ya no está abierta.",
    "back": "Volver al colegio",
    "missing": "No existe esta página de pago.",
    "approve": "Aceptar y pagar {amount}",
    "approval_hint": "PayPal de práctica: elija cómo debe terminar el pago. "
    "Nadie inicia sesión ni se mueve dinero.",
    "board": "Lo que puede hacer el mundo exterior",
    "board_hint": "Los pagos más recientes. El colegio se entera por mensajes de lo que haga aquí.",
    "board_empty": "Todavía no ha pagado nadie.",
    "do_settle": "El banco confirma",
    "do_deny": "El banco lo rechaza",
    "do_refund": "Reembolsarlo en el panel",
    "do_dispute": "El banco del pagador lo disputa",
    "do_inquire": "El banco del pagador solo pregunta",
    "do_escalate": "El banco lo convierte en una disputa",
    "do_content": "El banco queda conforme",
    "do_answer": "El colegio envía pruebas",
    "do_won": "El banco da la razón al colegio",
    "do_lost": "El banco da la razón al pagador",
}

LANGUAGES = {"en": ENGLISH, "es": SPANISH}


def language(locale: str | None, accepted: str) -> str:
    """The session's own locale, else the browser's first that we have, else English."""
    wanted = [locale or ""] + [part.split(";")[0] for part in accepted.split(",")]
    for tag in wanted:
        code = tag.strip().lower().replace("_", "-").split("-")[0]
        if code in LANGUAGES:
            return code
    return "en"


def amount(minor: int, currency: str, lang: str = "en") -> str:
    """1250.00 USD, with the decimals the currency has and the separators of the language."""
    code = currency.upper()
    digits = 0 if code in _NONE.split() else 3 if code in _THREE.split() else 2
    text = f"{Decimal(minor).scaleb(-digits):,.{digits}f}"
    if lang == "es":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{text} {code}"
