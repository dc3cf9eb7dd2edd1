"""API pages by cursor."""

from base64 import b64encode

import pytest
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from kernel.ids import uuid7
from kernel.paging import Page


def asked(cursor: str) -> Request:
    return Request(APIRequestFactory().get("/", {"cursor": b64encode(cursor.encode()).decode()}))


def test_a_cursor_of_ours_is_read() -> None:
    position = str(uuid7())
    assert Page().decode_cursor(asked(f"p={position}")).position == position


@pytest.mark.parametrize("cursor", ["p=abc", "p=\x00", "p=1"])
def test_a_made_up_cursor_is_not_found(cursor: str) -> None:
    with pytest.raises(NotFound):
        Page().decode_cursor(asked(cursor))
