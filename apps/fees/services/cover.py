"""What a payer adds to a payment so that the school nets what was owed.

A provider keeps a part of everything that it takes, so what is added has to bear the fee as well
for itself. The rule, in whole minor units of whatever currency:

    cover = ceil((amount * bps + fixed * 10000) / (10000 - bps))

It is the least cover that leaves the school the amount, and so the provider's fee on the whole sum
rounded up to a minor unit, never more. It is worked out of what is asked of the payer after the
credit, once for each payment, and does not change once the payment has been started.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.fees.preferences import (
    COVER_ALWAYS,
    COVER_CARD_FIXED,
    COVER_CARD_RATE,
    COVER_MODE,
    COVER_OFF,
    COVER_PAYPAL_FIXED,
    COVER_PAYPAL_RATE,
)
from kernel.money import format_money
from kernel.schools import current_school

WHOLE = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class Rate:
    """What processing costs: basis points of the whole sum, and minor units for each payment."""

    bps: int
    fixed_minor: int

    def on(self, amount_minor: int) -> int:
        """What is added to this amount; nothing to nothing."""
        if amount_minor <= 0:
            return 0
        return -(-(amount_minor * self.bps + self.fixed_minor * WHOLE) // (WHOLE - self.bps))

    def __str__(self) -> str:
        """“2.90 % + $0.30”"""
        parts = [COVER_CARD_RATE.kind.shown(self.bps)] if self.bps else []
        if self.fixed_minor:
            parts.append(format_money(self.fixed_minor, current_school().currency))
        return " + ".join(parts)


FREE = Rate(0, 0)


def rate_of(method: str) -> Rate:
    """What the school says that card or paypal costs it, whether or not it passes that on."""
    if method == "card":
        return Rate(COVER_CARD_RATE.value, COVER_CARD_FIXED.value)
    if method == "paypal":
        return Rate(COVER_PAYPAL_RATE.value, COVER_PAYPAL_FIXED.value)
    return FREE


def is_off() -> bool:
    """Whether the school bears it."""
    return COVER_MODE.value == COVER_OFF


def is_always() -> bool:
    """Whether no payer is asked."""
    return COVER_MODE.value == COVER_ALWAYS


def is_added(*methods: str) -> bool:
    """Whether all who pay in one of these ways pay more than they owe."""
    return is_always() and any(rate_of(method) != FREE for method in methods)


def proposed(amount_minor: int, method: str) -> int:
    """What the payer is shown: the cover of this amount, unless the school bears it."""
    return 0 if is_off() else rate_of(method).on(amount_minor)


def added(amount_minor: int, method: str, *, agreed: bool) -> int:
    """What is added to this amount; where it is the payer's choice, only if they `agreed`."""
    return proposed(amount_minor, method) if is_always() or agreed else 0
