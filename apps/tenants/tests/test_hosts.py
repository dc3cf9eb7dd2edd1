from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.tenants import facade as tenants
from apps.tenants import hosts
from apps.tenants.models import Domain, School
from apps.tenants.services.status import suspend_school
from apps.tenants.tests.factories import SchoolFactory
from kernel.schools import from_memory, in_public, in_school


def _rename_behind_the_back(name: str) -> None:
    """As another process would: this one is not told."""
    with in_public():
        School.objects.filter(slug="lincoln").update(name=name)


def _lincoln() -> School:
    found = tenants.find_school_by_host("lincoln.testserver")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "host",
    ["lincoln.testserver", "LINCOLN.TestServer", "lincoln.testserver:8000", "lincoln.testserver."],
)
def test_a_host_leads_to_its_school(db: None, host: str) -> None:
    found = tenants.find_school_by_host(host)

    assert found is not None
    assert found.schema_name == "t_000001"


@pytest.mark.parametrize(
    "host",
    [
        "",
        None,
        "testserver",
        "nowhere.testserver",
        "x" * 300,
        "[::1]:8000",
        "127.0.0.1",
        "lincoln.testserver\x00",
        "lincoln testserver",
        "..",
        ":8000",
        "💥.testserver",
        "lincoln.testserver/../x",
        "' OR 1=1 --",
    ],
)
def test_an_odd_host_leads_nowhere_and_never_raises(db: None, host: object) -> None:
    assert tenants.find_school_by_host(host) is None


def test_the_school_is_found_while_another_one_is_open(school: Any) -> None:
    found = tenants.find_school_by_host("sanmartin.testserver")

    assert found is not None
    assert found.schema_name == "t_000002"


def test_a_remembered_host_costs_no_query(
    db: None, django_assert_num_queries: Callable[..., Any]
) -> None:
    tenants.find_school_by_host("lincoln.testserver")
    tenants.find_school_by_host("nowhere.testserver")

    with django_assert_num_queries(0):
        tenants.find_school_by_host("lincoln.testserver")
        tenants.find_school_by_host("nowhere.testserver")


def test_a_change_in_this_process_shows_at_once(db: None) -> None:
    assert _lincoln().name == "Lincoln Elementary"

    tenants.update_settings(school_id=1, name="Lincoln Academy")

    assert _lincoln().name == "Lincoln Academy"


def test_a_suspension_shows_at_once(db: None) -> None:
    tenants.find_school_by_host("lincoln.testserver")

    suspend_school(school_id=1, reason="unpaid", actor="olive@example.org")

    assert _lincoln().status == "suspended"


def test_a_new_school_shows_though_its_host_was_unknown_before(db: None) -> None:
    assert tenants.find_school_by_host("riverside.testserver") is None

    made = SchoolFactory(slug="riverside")
    tenants.forget_hosts()

    assert tenants.find_school_by_host("riverside.testserver") == made


def test_without_a_word_it_shows_after_the_maps_life(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants.find_school_by_host("lincoln.testserver")
    _rename_behind_the_back("Lincoln Academy")
    assert _lincoln().name == "Lincoln Elementary"

    monkeypatch.setattr(hosts._map, "expires", 0.0)

    assert _lincoln().name == "Lincoln Academy"


def test_a_domain_that_is_not_confirmed_leads_nowhere(db: None) -> None:
    with in_public():
        Domain.objects.create(
            domain="lincoln.example", tenant_id=1, challenge="x", is_primary=False
        )

    assert tenants.find_school_by_host("lincoln.example") is None


def test_strangers_cannot_grow_the_map_without_end(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "MAX_HOSTS", 6)

    for number in range(9):
        tenants.find_school_by_host(f"guess-{number}.testserver")

    assert len(hosts._map.schools) == 3
    assert tenants.find_school_by_host("lincoln.testserver") is not None
    assert "lincoln.testserver" in hosts._map.schools  # there was room left for schools


# By schema, for who opens schools again and again ------------------------------------------------


def test_a_school_opened_from_memory_costs_one_query_in_all(
    db: None, django_assert_num_queries: Callable[..., Any]
) -> None:
    with from_memory(), django_assert_num_queries(1):
        for _ in range(3):
            with in_school("t_000001") as opened:
                assert opened.slug == "lincoln"


def test_a_change_shows_when_it_is_opened_from_memory_again(db: None) -> None:
    with from_memory():
        with in_school("t_000001") as before:
            assert before.name == "Lincoln Elementary"

        tenants.update_settings(school_id=1, name="Lincoln Academy")

        with in_school("t_000001") as after:
            assert after.name == "Lincoln Academy"


def test_a_school_that_is_not_there_is_not_opened_from_memory(db: None) -> None:
    with from_memory(), pytest.raises(School.DoesNotExist, match="t_999999"), in_school("t_999999"):
        pass


def test_whoever_did_not_ask_for_memory_reads_the_school_anew(db: None) -> None:
    with from_memory(), in_school("t_000001"):
        pass
    _rename_behind_the_back("Lincoln Academy")

    with in_school("t_000001") as opened:
        assert opened.name == "Lincoln Academy"
