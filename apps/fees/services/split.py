"""How money is divided: integers only, no database. The rules of the books."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID


def split_capture(
    *,
    amount: int,
    chosen: Iterable[tuple[UUID, int]],
    balances: Mapping[UUID, int],
    order: Iterable[tuple[UUID, int]] | None = None,
) -> tuple[dict[UUID, int], int]:
    """Divide a captured amount: the chosen lines first, then `order` (parts, oldest due first;
    the `balances` in their own order when there are no plans); what no invoice wants is the
    second part of the answer, the credit.

    No invoice ever gets more than it wants, so a second payment of the same thing is credit.
    """
    left = amount
    given: dict[UUID, int] = {}

    def give(invoice_id: UUID, most: int) -> None:
        nonlocal left
        wanted = balances.get(invoice_id, 0) - given.get(invoice_id, 0)
        part = min(left, most, wanted)
        if part > 0:
            given[invoice_id] = given.get(invoice_id, 0) + part
            left -= part

    for invoice_id, line_amount in chosen:
        give(invoice_id, line_amount)
    for invoice_id, most in order if order is not None else balances.items():
        give(invoice_id, most)
    # Parts that were chosen above leave others behind: whole invoices come last.
    for invoice_id in balances:
        give(invoice_id, left)
    return given, left


def split_refund(
    *,
    amount: int,
    given: Sequence[tuple[UUID, int]],
    credit: int,
    preferred: frozenset[UUID] = frozenset(),
    credit_first: bool = False,
    asked: Mapping[UUID | None, int] | None = None,
) -> tuple[dict[UUID, int], int]:
    """Divide a refund over what its payment gave: `given` is (invoice, net amount), newest first.

    What was `asked` comes first (None is the credit), as far as it still stands. Then preferred
    invoices, unused credit and the rest, newest first; credit_first puts the credit before all.
    The second part of the answer is what is taken from the credit. Raises ValueError when the
    payment did not give that much.
    """
    asked = asked or {}
    left = amount
    taken: dict[UUID, int] = {}
    from_credit = 0

    def take_credit(most: int) -> None:
        nonlocal left, from_credit
        part = max(min(left, most, credit - from_credit), 0)
        from_credit += part
        left -= part

    def take(rows: Iterable[tuple[UUID, int]], most: Callable[[UUID], int] | None = None) -> None:
        nonlocal left
        for invoice_id, net in rows:
            rest = net - taken.get(invoice_id, 0)
            part = min(left, rest, most(invoice_id) if most else rest)
            if part > 0:
                taken[invoice_id] = taken.get(invoice_id, 0) + part
                left -= part

    take(given, lambda key: asked.get(key, 0))
    take_credit(asked.get(None, 0))
    if credit_first:
        take_credit(credit)
    take(row for row in given if row[0] in preferred)
    take_credit(credit)
    take(row for row in given if row[0] not in preferred)
    if left:
        raise ValueError(f"the payment gave {amount - left}, a refund of {amount} is too much")
    return taken, from_credit


def split_outgoing(
    *,
    amount: int,
    given: Sequence[tuple[UUID, int]],
    credit: int,
    fallback: UUID | None,
    **how: Any,
) -> tuple[dict[UUID, int], int]:
    """Divide money that is gone, as split_refund does (`how`): it may be more than the payment
    still gives, when a bank took what is refunded as well. That the family owes too: on the
    `fallback` invoice, or as credit below zero."""
    held = max(credit, 0)
    within = min(amount, held + sum(net for _key, net in given))
    taken, from_credit = split_refund(amount=within, given=given, credit=held, **how)
    beyond = amount - within
    if beyond and fallback is not None:
        taken[fallback] = taken.get(fallback, 0) + beyond
    elif beyond:
        from_credit += beyond
    return taken, from_credit


def spread(
    *, amount: int, balances: Mapping[UUID, int], order: Iterable[tuple[UUID, int]]
) -> dict[UUID, int]:
    """A part payment over invoices, part by part in this order."""
    return split_capture(amount=amount, chosen=(), balances=balances, order=order)[0]
