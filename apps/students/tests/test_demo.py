"""The demo families look like a school and are quick to load."""

import time
from typing import Any

import pytest

from apps.students import facade
from apps.students.demo import families_csv, load_families


def test_demo_families_are_complete_and_quick(school: Any) -> None:
    started = time.perf_counter()
    load_families(students=300, families=180, seed=7)
    seconds = time.perf_counter() - started

    counts = facade.counts()
    assert (counts.students, counts.families) == (300, 180)
    assert 5 <= counts.guardians_without_email <= 60
    assert [c.name for c in facade.list_classes()][:3] == ["K", "Grade 1", "Grade 2"]
    parent = facade.find_guardian_by_email("parent@lincoln.example")
    assert parent is not None
    assert len(facade.children_of(parent.id)) == 3
    assert seconds < 5


def test_demo_speaks_the_language_of_the_school(school: Any, in_other_school: Any) -> None:
    with in_other_school():
        load_families(students=60, families=36, seed=7)

        assert facade.list_classes()[0].name == "1º A"
        parent = facade.find_guardian_by_email("parent@sanmartin.example")
        assert parent is not None
        assert {len(child.last_name.split()) for child in facade.children_of(parent.id)} == {2}


@pytest.mark.parametrize("seed", range(5))
def test_demo_is_the_same_for_the_same_seed(school: Any, seed: int) -> None:
    once = families_csv(students=50, families=30, seed=seed)

    assert once == families_csv(students=50, families=30, seed=seed)
    assert facade.import_families(once, "demo").totals.bad_rows == 0
