"""How money is divided: integers only, no database. The rules of the books."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID


def split_capture(
    *, amount: int, chosen: Iterable[tuple[UUID, int]], balances: Mapping[UUID, int]
) -> tuple[dict[UUID, int], int]:
    """Divide a captured amount: the chosen lines first, then `balances` in its own order (oldest
    due first); what no invoice wants is the second part of the answer, the credit.

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
) -> tuple[dict[UUID, int], int]:
    """Divide a refund over what its payment gave: `given` is (invoice, net amount), newest first.

    Preferred invoices come first, then unused credit, then the rest, newest first; credit_first
    puts the credit before all. The second part of the answer is what is taken from the credit.
    Raises ValueError when the payment did not give that much.
    """
    left = amount
    taken: dict[UUID, int] = {}
    from_credit = 0

    def take_credit() -> None:
        nonlocal left, from_credit
        part = min(left, credit - from_credit)
        from_credit += part
        left -= part

    def take(rows: Iterable[tuple[UUID, int]]) -> None:
        nonlocal left
        for invoice_id, net in rows:
            part = min(left, net)
            if part > 0:
                taken[invoice_id] = part
                left -= part

    if credit_first:
        take_credit()
    take(row for row in given if row[0] in preferred)
    take_credit()
    take(row for row in given if row[0] not in preferred)
    if left:
        raise ValueError(f"the payment gave {amount - left}, a refund of {amount} is too much")
    return taken, from_credit


def split_loss(
    *, amount: int, given: Sequence[tuple[UUID, int]], credit: int, fallback: UUID | None
) -> tuple[dict[UUID, int], int]:
    """Divide what a bank took: unused credit first, then the invoices, newest first. More than the
    payment still gives is owed too: on the `fallback` invoice, or as credit below zero."""
    within = min(amount, max(credit, 0) + sum(net for _key, net in given))
    taken, from_credit = split_refund(amount=within, given=given, credit=max(credit, 0))
    beyond = amount - within
    if beyond and fallback is not None:
        taken[fallback] = taken.get(fallback, 0) + beyond
    elif beyond:
        from_credit += beyond
    return taken, from_credit


def spread(*, amount: int, balances: Mapping[UUID, int]) -> dict[UUID, int]:
    """A part payment over invoices in their order: each filled before the next is begun."""
    return split_capture(amount=amount, chosen=(), balances=balances)[0]
