from __future__ import annotations

import pytest

from apps.fees.tests import factories as make


@pytest.fixture
def bursar(client_for):
    return client_for("bursar")


@pytest.fixture
def family(school):
    """Maria Lopez, two children, 450.00 owed for each."""
    room = make.make_class()
    family = make.make_family(room, children=2, email="maria@example.org")
    make.bill(room)
    return family
