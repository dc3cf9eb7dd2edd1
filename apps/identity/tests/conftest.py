from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def api(db: None) -> Callable[..., Any]:
    """api(school, access=""): an API client on the school's host."""
    from rest_framework.test import APIClient

    def make(school: Any, access: str = "") -> Any:
        headers = {"host": school.primary_host}
        if access:
            headers["authorization"] = f"Bearer {access}"
        return APIClient(headers=headers)

    return make
