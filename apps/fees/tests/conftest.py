"""Fixtures of the fees tests."""

from typing import Any

import pytest

from apps.fees.services import links
from apps.fees.tests import factories as make


@pytest.fixture
def room(school: Any) -> Any:
    """A class of the open school."""
    return make.make_class()


@pytest.fixture
def family(room: Any) -> make.Family:
    """Maria Lopez and her two children, billed nothing yet."""
    return make.make_family(room, children=2)


@pytest.fixture
def parent(family: make.Family, anonymous: Any) -> Any:
    """Maria's browser, opened by her link."""
    client = anonymous()
    client.get(links.family_link_path(guardian_id=family.guardian.pk))
    return client
