"""One more school: its schema, role and tables by replay, with few schools and with many.

Peer: django-tenants itself: `save()` with auto_create_schema, which runs the migrations. Then the
whole of provisioning with a school in stock, from the order to the invitation in the mail server's
hands, beside what we promise.
"""

from __future__ import annotations

from itertools import count as numbers
from typing import Any

import psycopg

from apps.tenants.facade import provision_school
from apps.tenants.models import School, schema_name_for
from apps.tenants.services.schemas import spares
from apps.tenants.services.schemas.versions import scripts
from benchmarks.harness import Result, compare, judge, seconds
from benchmarks.schools import many_schools
from kernel.owner import owner_session, owning
from kernel.schools import connection

ROUNDS, CLAIMS = 5, 15
PROMISED_MS = 100.0
_number = numbers(1)


def stock(session: psycopg.Connection[Any]) -> float:
    """As django-tenants does it, on Django's own connection."""
    number = spares._next_id(session)
    session.commit()
    school = School(
        id=number,
        schema_name=schema_name_for(number),
        slug=f"stock-{number}",
        name="Stock",
        currency="USD",
        language="en",
        time_zone="UTC",
    )
    school.auto_create_schema = True
    return seconds(lambda: school.save(verbosity=0))


def one_school(schools: str) -> Result:
    """Each on one connection of the owner's, as when a stock is filled up or many are made."""
    chain = scripts()
    with owning(), owner_session() as session:
        return compare(
            f"make one school's tables, {schools} schools",
            ours=lambda: seconds(lambda: spares._make(session, chain)),
            peer=lambda: stock(session),
            peer_name="django-tenants save() + migrate",
            unit="s",
            goal=15,
            more_is_better=False,
            rounds=ROUNDS,
        )


def claim() -> float:
    """Milliseconds from the order to the invitation that left."""
    number = next(_number)
    connection.set_schema_to_public()

    def order() -> None:
        provision_school(
            name=f"Claimed {number}", slug=f"claimed-{number}", admin_email="jo@example.org"
        )

    return seconds(order) * 1000


def claimed(schools: str) -> Result:
    spares.keep_spares(wanted=CLAIMS + 2)
    claim(), claim()  # warm up: templates, translations
    return judge(
        f"provision a school from stock, invitation sent, {schools} schools",
        ours=[claim() for _ in range(CLAIMS)],
        peer=[PROMISED_MS],
        peer_name="the promise",
        unit="ms",
        goal=1,
    )


def measure() -> list[Result]:
    first = [one_school("few")]
    with many_schools() as count:
        return [*first, one_school(f"{count:,}"), claimed(f"{count:,}")]
