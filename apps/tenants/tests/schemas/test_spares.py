"""Schools in stock: claimed without the owner, topped up by the keeper."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from apps.tenants import facade as tenants
from apps.tenants.models import School, SpareSchool
from apps.tenants.services.schemas import spares
from apps.tenants.services.schemas.versions import current_version
from apps.tenants.tasks import clean_half_made, keep_spares
from kernel.errors import Unavailable
from kernel.schools import in_school

Owner = psycopg.Connection[Any]


@pytest.fixture
def no_owner(settings: Any) -> None:
    """As in the web and the workers."""
    settings.OWNER_DATABASE = None


def test_claiming_needs_no_owner_and_makes_no_tables(
    db: None, no_owner: None, order: dict[str, str], footprint: Callable[[], dict[str, int]]
) -> None:
    before = footprint()

    done = tenants.provision_school(**order)

    school = School.objects.get(slug="riverside")
    assert (done.school.schema_name, school.schema_version) == ("t_000101", current_version())
    after = footprint()
    assert after["schemas"] == before["schemas"]
    assert after["spares"] == before["spares"] - 1
    with in_school("t_000101"):
        assert tenants.current_school_info().slug == "riverside"


def test_a_failed_order_puts_the_place_back(
    db: None, no_owner: None, order: dict[str, str], failing_step: Any
) -> None:
    failing_step(RuntimeError("no"))

    with pytest.raises(Unavailable):
        tenants.provision_school(**order)

    assert spares.count_ready() == 4


def test_without_stock_owner_or_keeper_the_order_is_refused_and_says_so(
    db: None,
    no_owner: None,
    order: dict[str, str],
    footprint: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    SpareSchool.objects.all().delete()
    monkeypatch.setattr(spares, "PATIENCE", 0.2)
    before = footprint()

    with pytest.raises(Unavailable, match="the keeper, which makes them, does not answer"):
        tenants.provision_school(**order)

    assert footprint() == before


@pytest.mark.django_db(transaction=True)
def test_without_stock_the_web_waits_for_the_keeper(
    owner: Owner, order: dict[str, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spares.drop_all()
    keepers_address = settings.OWNER_DATABASE
    monkeypatch.setattr(spares, "has_owner", lambda: False)

    def keep() -> None:
        assert keepers_address
        spares.make_spare()
        connections.close_all()

    timer = threading.Timer(0.5, keep)
    timer.start()

    assert not tenants.provision_school(**order).already
    timer.join()


def test_only_a_spare_with_all_tables_is_claimed(db: None) -> None:
    SpareSchool.objects.exclude(pk=103).update(schema_version="an earlier one")

    with transaction.atomic():
        assert spares.claim_spare().id == 103
        with pytest.raises(spares.NoSpare):
            spares.claim_spare()


@pytest.mark.django_db(transaction=True)
def test_each_spare_is_claimed_once(owner: Owner) -> None:
    claimed: list[int] = []
    start = threading.Barrier(4)

    def claim() -> None:
        start.wait()
        with transaction.atomic():
            claimed.append(spares.claim_spare().id)
        connections.close_all()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(claimed) == [101, 102, 103, 104]
    assert spares.count_ready() == 0


@pytest.mark.django_db(transaction=True)
def test_the_keeper_tops_up_to_the_setting(
    owner: Owner, settings: Any, order: dict[str, str]
) -> None:
    settings.SPARE_SCHOOLS = 5
    assert keep_spares() == 1
    assert keep_spares() == 0
    tenants.provision_school(**order)
    assert keep_spares() == 1
    assert spares.count_ready() == 5
    assert clean_half_made() == 0

    # when another keeper is at it, this one does nothing
    settings.SPARE_SCHOOLS = 9
    owner.execute("SELECT pg_advisory_lock(hashtextextended('tenants.spares', 0))")
    assert keep_spares() == 0


@pytest.mark.django_db(transaction=True)
def test_a_spare_has_a_role_of_its_own_and_no_rows(owner: Owner) -> None:
    spare = f"t_{spares.make_spare():06d}"

    query = "SELECT has_table_privilege(%s, %s, 'INSERT'), has_schema_privilege(%s, %s, 'USAGE')"
    assert owner.execute(query, [spare, f"{spare}.fees_charge", spare, spare]).fetchone() == (
        True,
        True,
    )
    assert owner.execute(query, [spare, "t_000001.fees_charge", spare, "t_000001"]).fetchone() == (
        False,
        False,
    )
    assert owner.execute(f"SELECT count(*) FROM {spare}.identity_user").fetchone() == (0,)


def test_the_command_lists_and_makes(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    call_command("spare_schools", "--json", stdout=out)
    told = json.loads(out.getvalue())

    assert (told["made"], told["ready"]) == (0, 4)
    assert told["spares"][0]["schema_name"] == "t_000101"
    call_command("spare_schools", "--list")
    assert "4 ready to be claimed" in capsys.readouterr().out
    with pytest.raises(CommandError) as refused:
        call_command("spare_schools", "--make", "many")
    assert refused.value.returncode == 2


def test_before_the_first_migration_there_is_nothing_to_make(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spares, "scripts", list)

    assert spares.keep_spares(wanted=3) == 0
    with pytest.raises(Unavailable, match="run migrate_schools first"):
        spares.make_spare()
