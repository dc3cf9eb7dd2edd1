"""A Chromium for the session, a fresh context for each person, and an eye on what goes wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.eyes import Watched

CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESK, PHONE = 1280, 390
SIZES = {DESK: {"width": DESK, "height": 900}, PHONE: {"width": PHONE, "height": 844}}


def find_chromium() -> str | None:
    asked = os.environ.get("HOMEROOM_CHROMIUM")
    if asked:
        return asked if Path(asked).exists() else None
    return next((path for name in CANDIDATES if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a Chromium these tests are skipped, and the summary says so loudly."""
    if find_chromium() is not None:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser. Gone before other tests run in this process: it comes with an event loop, in
    which Django refuses to query."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium: Any, running: Any) -> Iterator[Callable[..., Watched]]:
    """person(width, …): somebody at a browser of their own. At the end nothing may be left in
    anybody's console."""
    people: list[Watched] = []

    def make(width: int = DESK, **options: Any) -> Watched:
        options.setdefault("has_touch", width == PHONE)
        context = chromium.new_context(
            viewport=SIZES[width],
            is_mobile=width == PHONE,
            locale="en-US",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(15_000)
        somebody = Watched(context, width)
        people.append(somebody)
        return somebody

    yield make
    troubles = [trouble for somebody in people for trouble in somebody.troubles]
    for somebody in people:
        somebody.context.close()
    assert troubles == []
