"""Each test of this folder that asks for `stand` runs once for every provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.payments.tests.conftest import Sandbox
from apps.payments.tests.providers.rude import Rude
from apps.payments.tests.providers.stands import STANDS, Stand


@pytest.fixture(params=sorted(STANDS))
def stand(request: Any, sandbox: Sandbox) -> Stand:
    return STANDS[request.param](sandbox)


@pytest.fixture
def rude() -> Iterator[Callable[[str], Rude]]:
    """rude("html"): a gateway that behaves like that from now on."""
    made: list[Rude] = []

    def make(manners: str) -> Rude:
        made.append(Rude(manners))
        return made[-1]

    yield make
    for server in made:
        server.close()
