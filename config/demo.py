"""The demo schools: two of them, of another language and currency, with lifelike data.

Loaded through the same services that people use, each school by a process of its own.
`python -m config.demo` loads what is missing; `--signs` prints the addresses and sign-ins.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import django

PASSWORD = "homeroom-demo"  # noqa: S105 - the demo's own, printed on the screen
OPERATOR = "operator@homeroom.example"
SCHOOLS: list[dict[str, Any]] = [
    {
        "name": "Lincoln Elementary",
        "slug": "lincoln",
        "currency": "USD",
        "language": "en",
        "time_zone": "America/Chicago",
        "admin_name": "Ellen Whitaker",
    },
    {
        "name": "Colegio San Martín",
        "slug": "sanmartin",
        "currency": "EUR",
        "language": "es",
        "time_zone": "Europe/Madrid",
        "admin_name": "Isabel Navarro",
    },
]
# The flow tests are content with smaller schools.
STUDENTS = int(os.environ.get("DEMO_STUDENTS", "300"))
FAMILIES = STUDENTS * 3 // 5
ROLES = ("admin", "bursar", "office", "teacher")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    os.environ["DEBUG"] = "0"  # with it Django keeps a copy of every query
    from config import embedded

    embedded.hold()
    django.setup()
    _refuse_a_real_installation()
    if "--signs" in sys.argv:
        print_signs()
        return
    chosen = [number for number, school in enumerate(SCHOOLS) if school["slug"] in sys.argv]
    if chosen:
        load_school(SCHOOLS[chosen[0]], seed=chosen[0] + 1)
        return
    _load_operator()
    _load_schools_side_by_side()


def _load_schools_side_by_side() -> None:
    command = [sys.executable, "-m", "config.demo"]
    loaders = [subprocess.Popen([*command, school["slug"]]) for school in SCHOOLS]
    codes = [loader.wait() for loader in loaders]
    if any(codes):
        sys.exit("The demo schools could not be loaded; the reason is above.")


def _refuse_a_real_installation() -> None:
    """Everybody knows the demo's password: an operator with it must not exist in production."""
    from django.conf import settings

    if not settings.SANDBOX_ALLOWED:
        sys.exit("config.demo: these settings are not for trying things out; nothing was loaded.")


def load_school(values: dict[str, Any], *, seed: int) -> None:
    """One demo school. Parts that have data already are left as they are."""
    from apps.tenants import facade as tenants
    from kernel.schools import in_school

    provisioned = tenants.provision_school(**values, admin_email=f"head@{values['slug']}.example")
    with in_school(provisioned.school.schema_name):
        for title, load in _parts(seed):
            started = time.perf_counter()
            if load():
                seconds = time.perf_counter() - started
                print(f"  {values['name']}: {title} ({seconds:.1f} s)", flush=True)


def _parts(seed: int) -> list[tuple[str, Callable[[], bool]]]:
    return [
        ("staff accounts", _load_staff),
        ("families", lambda: _load_families(seed)),
        ("activities and calendar", lambda: _load_activities(seed)),
        ("PayPal for practice", _offer_paypal),
        ("fees, payments, refunds", lambda: _load_fees(seed)),
        ("automatic payment and a dispute", _load_cards),
        ("public site and news", lambda: _load_site(seed)),
    ]


def _load_operator() -> None:
    from apps.identity import facade as identity
    from kernel.schools import in_public

    with in_public():
        if not identity.users_with_role("operator"):
            identity.create_user(
                email=OPERATOR, name="Olive Operator", password=PASSWORD, roles=["operator"]
            )


def _offer_paypal() -> bool:
    from apps.payments import demo

    return demo.offer_practice_paypal()


def _load_staff() -> bool:
    from apps.identity import demo, facade

    if facade.users_with_role("bursar"):
        return False
    demo.create_staff(PASSWORD)
    return True


def _load_families(seed: int) -> bool:
    from apps.identity import demo as people
    from apps.students import demo, facade
    from kernel.schools import current_school

    if facade.counts().students:
        return False
    demo.load_families(students=STUDENTS, families=FAMILIES, seed=seed)
    email = f"parent@{current_school().slug}.example"
    parent = facade.find_guardian_by_email(email)
    people.create_guardian_user(email, parent.name if parent else email, PASSWORD)
    _deliver()
    return True


def _load_activities(seed: int) -> bool:
    from apps.activities import demo, facade

    if facade.list_activities():
        return False
    demo.load_activities(seed)
    _deliver()
    return True


def _load_fees(seed: int) -> bool:
    from apps.fees import demo, facade
    from kernel.schools import current_school, in_public, in_school

    school = current_school()
    if facade.has_fees():
        return False
    demo.load_fees(seed)
    _deliver()
    demo.limit_refunds()
    with in_public(), in_school(school.schema_name):  # opened anew, with the limit
        demo.ask_for_refund()
    return True


def _load_cards() -> bool:
    """Needs the practice gateway: after `make demo` the next `make run` does it."""
    from apps.fees import demo

    done = [demo.turn_on_automatic_payment(), demo.dispute_a_payment()]
    _deliver()
    return any(done)


def _load_site(seed: int) -> bool:
    from apps.website import demo, facade

    if len(facade.latest_news()) > 1:
        return False
    demo.load_site(seed)
    _deliver()
    return True


def _deliver() -> None:
    """Settle invoices and write receipts now; the mails are left to the worker."""
    from apps.events import facade as events
    from kernel.schools import connection

    events.drain(connection.schema_name, calls=False)


def print_signs() -> None:
    from django.conf import settings

    port = settings.PUBLIC_PORT
    lines = [
        "",
        "Homeroom is running.",
        "",
        f"  Platform   http://{settings.PLATFORM_DOMAIN}{port}/",
        f"             operator: {OPERATOR}",
        f"  Mailbox    http://{settings.PLATFORM_DOMAIN}{port}/mailbox/   every e-mail it sends",
    ]
    for school in SCHOOLS:
        lines += ["", *_signs_of(school, port)]
    lines += ["", f"  Password of them all: {PASSWORD}", "", "Ctrl-C stops it.", ""]
    print("\n".join(lines), flush=True)


def _signs_of(school: dict[str, Any], port: str) -> list[str]:
    from django.conf import settings

    address = f"http://{school['slug']}.{settings.PLATFORM_DOMAIN}{port}/"
    people = [f"{role}@{school['slug']}.example" for role in (*ROLES, "parent")]
    return [f"  {school['name']:<22} {address}", *(f"             {email}" for email in people)]


if __name__ == "__main__":
    main()
