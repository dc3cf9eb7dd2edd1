"""One writer at a time where an address must be found that nobody else takes meanwhile."""

from django.db import connection

from kernel.schools import current_school

# Any constant that no other lock of the product uses; the school's number stands beside it.
_SLUGS = 7201


def lock_slugs() -> None:
    """Hold until the end of the transaction: two posts of one title get two addresses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SLUGS, current_school().id])
