"""The language switch: a cookie, and back to the page the reader was on."""

import pytest
from django.test import RequestFactory

from config.gateway import languages


def choose(**data: str):
    request = RequestFactory(headers={"host": "lincoln.testserver"}).post("/language/", data)
    return languages.choose(request)


def test_the_choice_is_remembered_and_the_reader_stays_where_they_were() -> None:
    answer = choose(language="es", next="/news/?page=2")

    assert answer.status_code == 302
    assert answer["Location"] == "/news/?page=2"
    assert answer.cookies["language"].value == "es"


def test_an_unknown_language_changes_nothing() -> None:
    assert "language" not in choose(language="xx", next="/").cookies


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "javascript:x", "", "news", "/\x00"]
)
def test_the_way_back_never_leaves_the_host(wanted: str) -> None:
    assert choose(language="en", next=wanted)["Location"] == "/"


def test_reading_an_address_is_not_choosing() -> None:
    request = RequestFactory().get("/language/")

    assert languages.choose(request).status_code == 405
