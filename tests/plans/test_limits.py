"""Limits are gentle: notices, room beyond, and only then a refusal of what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.students import facade as students
from apps.students.facade import StudentDetails
from apps.tenants.models import LimitNotice
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.limits import (
    PlanLimitPassed,
    check_limit,
    open_notices,
    review_limits,
)
from apps.website.services.documents import add_document
from kernel.schools import in_public
from tests.plans.conftest import MakePlan, Subscribe


def enrol(count: int, first: int = 1) -> None:
    class_id = (
        students.list_classes()[0].id
        if students.list_classes()
        else students.create_class(name="1A")
    )
    for number in range(first, first + count):
        details = StudentDetails(number=f"L{number}", first_name="Ana", last_name=f"Ruiz {number}")
        students.enrol_student(details=details, class_id=class_id, actor="office@example.org")


def levels(school: Any) -> list[int]:
    with in_public():
        rows = LimitNotice.objects.filter(school_id=school.id, cleared_at=None)
        return sorted(rows.values_list("level", flat=True))


def test_a_school_without_a_plan_has_no_limits(school: Any) -> None:
    check_limit("students", adding=10**9)

    assert levels(school) == []


def test_a_plan_without_an_end_has_no_limit(
    school: Any, make_plan: MakePlan, subscribe: Subscribe
) -> None:
    subscribe(school, make_plan(students=Allowance(included=1, extra_price_minor=100)))

    check_limit("students", adding=10**9)
    check_limit("messages", adding=10**9)


def test_the_first_notice_comes_at_80_percent_and_once(
    school: Any, subscribe: Subscribe, published: Callable[[str], list[Any]]
) -> None:
    subscribe(school, 10)

    enrol(7)
    assert levels(school) == []
    enrol(1, first=8)
    enrol(1, first=9)

    assert levels(school) == [80]
    (news,) = published("tenants.limit_reached")
    assert (news["meter"], news["level"], news["value"], news["limit"]) == ("students", 80, 8, 10)
    assert "more than 80 %" in open_notices(school_id=school.id)[0].text


def test_at_100_percent_there_is_a_second_notice_and_room_for_ten_percent_more(
    school: Any, subscribe: Subscribe
) -> None:
    subscribe(school, 10)

    enrol(11)

    assert levels(school) == [80, 100]
    assert "is reached" in open_notices(school_id=school.id)[0].text
    with pytest.raises(PlanLimitPassed, match="allows 10 students; this would make it 12") as no:
        enrol(1, first=12)
    assert "choose a larger plan" in str(no.value)
    assert students.counts().students == 11


def test_the_room_beyond_is_there_for_two_weeks(school: Any, subscribe: Subscribe) -> None:
    subscribe(school, 10)
    enrol(10)
    with in_public():
        LimitNotice.objects.update(raised_at=timezone.now() - timedelta(days=15))

    with pytest.raises(PlanLimitPassed):
        enrol(1, first=11)


def test_an_import_is_refused_as_a_whole_and_changes_nothing(
    school: Any, subscribe: Subscribe
) -> None:
    from apps.students.services import imports

    subscribe(school, 2)
    head = "student_number,first_name,last_name,class,guardian_name,guardian_email\n"
    rows = "".join(f"N{n},Kim,Lee{n},1A,Pat Lee,pat@example.org\n" for n in range(3))
    checked = imports.check_families_file(
        content=(head + rows).encode(), file_name="f.csv", actor="office@example.org"
    )
    assert checked.totals["bad_rows"] == 0, checked.problems

    with pytest.raises(PlanLimitPassed):
        imports.import_families(import_id=checked.id, actor="office@example.org")

    assert students.counts().students == 0
    checked.refresh_from_db()
    assert checked.state == "dry_run"


def test_a_file_too_many_is_refused_and_not_kept(
    school: Any, make_plan: MakePlan, subscribe: Subscribe
) -> None:
    subscribe(school, make_plan(storage_bytes=Allowance(included=20, limit=20)))
    add_document(title="Menu", upload=ContentFile(b"x" * 15, name="a.txt"), actor="o")

    with pytest.raises(PlanLimitPassed, match="allows 20 B"):
        add_document(title="Menu", upload=ContentFile(b"x" * 15, name="b.txt"), actor="o")


def test_a_student_who_comes_back_counts_and_one_who_moves_class_does_not(
    school: Any, subscribe: Subscribe
) -> None:
    subscribe(school, 1)
    enrol(1)
    other = students.create_class(name="2B")
    child = students.search_students("Ana")[0]
    details = StudentDetails(number="L1", first_name="Ana", last_name="Ruiz 1")
    from apps.students.services.students import update_student

    update_student(student_id=child.id, details=details, class_id=other, actor="o")
    students.withdraw_student(student_id=child.id, actor="o")
    enrol(1, first=2)

    with pytest.raises(PlanLimitPassed):
        update_student(student_id=child.id, details=details, class_id=other, actor="o")


def test_a_notice_is_taken_back_when_the_school_is_well_below(
    school: Any, subscribe: Subscribe
) -> None:
    subscribe(school, 10)
    enrol(8)
    child = students.search_students("Ana")[0]
    assert review_limits() == ["students"]

    students.withdraw_student(student_id=child.id, actor="o")

    assert review_limits() == []
    assert levels(school) == []


def test_a_larger_plan_takes_the_notices_back(
    school: Any, subscribe: Subscribe, make_plan: MakePlan
) -> None:
    from apps.tenants.services.plans.subscriptions import change_plan

    subscribe(school, 10)
    enrol(10)
    make_plan("large", students=Allowance(included=500))

    change_plan(school_id=school.id, code="large", actor="op@example.org")
    review_limits()

    assert levels(school) == []


def test_a_check_costs_few_queries(
    school: Any, subscribe: Subscribe, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    # subscription with its plan, allowances
    with django_assert_max_num_queries(2):
        check_limit("students")
    subscribe(school, 100)
    # … savepoint, lock, count, notice, release
    with django_assert_max_num_queries(8):
        check_limit("students")


@pytest.mark.parametrize("path", ["/portal/", "/portal/students/", "/portal/payments/"])
def test_a_full_school_goes_on_reading_and_paying(
    client_for: Callable[..., Any], school: Any, subscribe: Subscribe, path: str
) -> None:
    subscribe(school, 0)

    assert client_for("admin").get(path).status_code == 200


@pytest.mark.parametrize(("role", "sees"), [("admin", True), ("bursar", True), ("office", False)])
def test_every_page_of_the_portal_shows_the_notice_to_who_looks_after_the_plan(
    client_for: Callable[..., Any], school: Any, subscribe: Subscribe, role: str, sees: bool
) -> None:
    client = client_for(role)
    subscribe(school, 2)
    enrol(2)

    text = client.get("/portal/students/").content.decode()

    assert ("limit of 2 students is reached" in text) is sees


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_cannot_both_take_the_last_places(committed_school: Any) -> None:
    import threading

    from django.db import connection

    from apps.tenants.models import Plan, PlanAllowance, Subscription
    from kernel.schools import in_school

    with in_public():
        plan = Plan.objects.create(
            code="tight", currency="USD", name="T", price_minor=0, active_from="2026-01-01"
        )
        PlanAllowance.objects.create(plan=plan, meter="students", included=10, limit=10)
        Subscription.objects.create(
            school_id=committed_school.id, plan=plan, starts_on="2026-01-01"
        )
    students.create_class(name="1A")
    together, outcomes = threading.Barrier(2), []

    def take(first: int) -> None:
        from django.db import transaction

        try:
            with in_school("t_000001"), transaction.atomic():
                together.wait(timeout=10)
                check_limit("students", adding=8)
                enrol(8, first=first)
            outcomes.append("in")
        except PlanLimitPassed:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(first,)) for first in (1, 101)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(outcomes) == ["in", "refused"]
    assert students.counts().students == 8
