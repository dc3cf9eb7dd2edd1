"""Whether the books agree with themselves. Sums over whole tables: for backups, not for pages."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

_SUMS = """
SELECT (SELECT count(*) FROM fees_invoice), (SELECT count(*) FROM fees_charge),
       (SELECT coalesce(sum(amount_minor), 0) FROM fees_charge),
       (SELECT coalesce(sum(amount_minor), 0) FROM fees_allocation),
       (SELECT coalesce(sum(amount_minor), 0) FROM fees_credit),
       (SELECT coalesce(sum(amount_minor), 0) FROM fees_cover),
       (SELECT coalesce(sum(amount_minor), 0) FROM fees_receipt)
"""
_NAMES = (
    "invoices",
    "charges",
    "charges_minor",
    "allocations_minor",
    "credits_minor",
    "covers_minor",
    "receipts_minor",
)
# Each payment that has a receipt was given out in full: to invoices, to the family's credit, or as
# the cover of its processing cost.
_RECEIPTS = """
SELECT r.number FROM fees_receipt r
  LEFT JOIN (SELECT payment_id, sum(amount_minor) AS given FROM fees_allocation
              WHERE kind = 'payment' GROUP BY payment_id) a USING (payment_id)
  LEFT JOIN (SELECT payment_id, sum(amount_minor) AS over FROM fees_credit
              WHERE kind = 'overpaid' GROUP BY payment_id) c USING (payment_id)
  LEFT JOIN (SELECT payment_id, sum(amount_minor) AS added FROM fees_cover
              WHERE kind = 'payment' GROUP BY payment_id) v USING (payment_id)
 WHERE r.amount_minor <> coalesce(a.given, 0) + coalesce(c.over, 0) + coalesce(v.added, 0)
 ORDER BY r.number LIMIT 20
"""
# Credit is spent on invoices, or paid back; never more of it than there was. Only a bank may take
# what had been refunded before.
_CREDIT = """
SELECT payment_id FROM fees_credit GROUP BY payment_id
HAVING sum(amount_minor) < 0 AND NOT bool_or(kind = 'dispute_lost')
 ORDER BY payment_id LIMIT 20
"""
_COVER = """
SELECT payment_id FROM fees_cover GROUP BY payment_id HAVING sum(amount_minor) < 0
 ORDER BY payment_id LIMIT 20
"""
_UNPAID_FOR = """
SELECT DISTINCT a.payment_id FROM fees_allocation a
 WHERE NOT EXISTS (SELECT FROM fees_receipt r WHERE r.payment_id = a.payment_id)
 ORDER BY 1 LIMIT 20
"""


def sums() -> dict[str, int]:
    """What the books come to: minor units and numbers of rows."""
    return dict(zip(_NAMES, map(int, _rows(_SUMS)[0]), strict=True))


def problems() -> list[str]:
    """What does not agree, at most twenty of a kind; empty when the books are in order."""
    receipts = _("Receipt %(what)s is not what was given to invoices and credit.")
    credit = _("More credit of payment %(what)s was used than there was.")
    cover = _("More of payment %(what)s went back as processing cost than was paid for it.")
    unpaid = _("Payment %(what)s was given to invoices without a receipt.")
    return [
        text % {"what": row[0]}
        for text, query in (
            (receipts, _RECEIPTS),
            (credit, _CREDIT),
            (cover, _COVER),
            (unpaid, _UNPAID_FOR),
        )
        for row in _rows(query)
    ]


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
