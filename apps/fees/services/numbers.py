"""Numbers that auditors like: per school, per year, without gaps.

They are taken inside the transaction that uses them, so a rollback gives them back.
"""

from django.db import connection

from apps.fees.preferences import INVOICE_PREFIX

TAKE = """
INSERT INTO fees_numbersequence (id, name, last) VALUES (gen_random_uuid(), %s, %s)
ON CONFLICT (name) DO UPDATE SET last = fees_numbersequence.last + EXCLUDED.last
RETURNING last
"""


def take_numbers(*, kind: str, year: int, count: int = 1) -> list[str]:
    """`count` numbers such as "2026-00042"; those of invoices with the school's own letters, if it
    set any: "LIN-2026-00042". The row stays locked until the transaction ends."""
    letters = INVOICE_PREFIX.value
    prefix = {"invoice": f"{letters}-" if letters else "", "receipt": "R"}[kind]
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [f"{kind}-{year}", count])
        last = int(cursor.fetchone()[0])
    return [f"{prefix}{year}-{number:05d}" for number in range(last - count + 1, last + 1)]
