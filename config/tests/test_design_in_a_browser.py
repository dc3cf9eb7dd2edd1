"""The gallery in a real browser: accessible in every shell and theme, and homeroom.js does what
the templates ask of it. No server: the pages are rendered here and handed to the browser."""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory

from config.gateway import gallery, theme
from kernel.access import Anonymous

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
HOST = "http://homeroom.test"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="NO CHROMIUM FOUND: set CHROMIUM or install it to run the browser tests"
)


def gallery_page(query: str) -> str:
    request = RequestFactory().get("/design/", dict(parse_qsl(query)))
    request.user = Anonymous()
    return gallery.page(request).content.decode()


def answer(route: Any, pages: dict[str, Callable[[], str]]) -> None:
    parts = urlsplit(route.request.url)
    if parts.path in pages:
        route.fulfill(content_type="text/html", body=pages[parts.path]())
    elif parts.path == "/design/":
        route.fulfill(content_type="text/html", body=gallery_page(parts.query))
    elif parts.path == "/theme.css":
        route.fulfill(content_type="text/css", body=theme.accent_css("#1f5f8b"))
    elif found := finders.find(parts.path.removeprefix("/static/")):
        route.fulfill(content_type=mimetypes.guess_type(found)[0], path=found)
    else:
        route.fulfill(status=404, body="")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Any]]:
    """tab(path, width, scheme, pages, **options): an open page whose errors fail the test."""
    contexts, errors = [], []

    def open_page(
        path: str = "/design/",
        width: int = 390,
        scheme: str = "light",
        pages: dict[str, Callable[[], str]] | None = None,
        **options: Any,
    ) -> Any:
        viewport = {"width": width, "height": 844}
        context = chromium.new_context(viewport=viewport, color_scheme=scheme, **options)
        contexts.append(context)
        context.route("**/*", lambda route: answer(route, pages or {}))
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(HOST + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize("shell", gallery.SHELLS)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_shell_is_accessible(tab, shell: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = tab(f"/design/?shell={shell}", width, scheme)

    found = Axe().run(page).response["violations"]

    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


@pytest.mark.parametrize("shell", gallery.SHELLS)
def test_nothing_is_wider_than_a_phone(tab, shell: str) -> None:
    page = tab(f"/design/?shell={shell}", 360)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_drawer_opens_keeps_the_focus_and_closes_with_escape(tab) -> None:
    page = tab()
    toggle = page.locator("[data-nav-toggle]")

    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.querySelector('#portal-nav').contains(document.activeElement)")
    assert page.evaluate("document.querySelector('#main').inert")

    page.keyboard.press("Escape")
    assert toggle.get_attribute("aria-expanded") == "false"
    assert page.evaluate("document.activeElement.hasAttribute('data-nav-toggle')")
    assert not page.evaluate("document.querySelector('#main').inert")


def test_a_dialog_opens_and_cancels(tab) -> None:
    page = tab()

    page.click("[data-dialog-open=dialog]")
    assert page.locator("#dialog").evaluate("dialog => dialog.open")

    page.click("#dialog [data-dialog-close]")
    assert not page.locator("#dialog").evaluate("dialog => dialog.open")


def test_menu_and_dialog_work_without_javascript(tab) -> None:
    page = tab(java_script_enabled=False)

    page.click(".topbar-menu")
    assert page.locator("#portal-nav .sidebar-panel").is_visible()

    page.goto(HOST + "/design/")
    page.click("a[href='#dialog']")
    assert page.locator("#dialog").is_visible()


FORM = """<!doctype html><html><body data-t-cancel="Cancel" data-t-confirm="Yes"><main id="main">
<form id="form" method="get" action="/sent/" {attributes}><button name="do" value="it">Go</button>
</form></main><script src="/static/js/homeroom.js" defer></script></body></html>"""


def sent_page(count: list[int]) -> Callable[[], str]:
    def sent() -> str:
        count.append(1)
        return "<h1>Sent</h1>"

    return sent


def test_a_question_is_asked_before_a_form_is_sent(tab) -> None:
    count: list[int] = []
    form = FORM.format(attributes='data-confirm="Really?" data-disable-on-submit')
    page = tab("/form/", pages={"/form/": lambda: form, "/sent/": sent_page(count)})

    page.click("#form button")
    assert page.locator("dialog[open] .dialog-text").inner_text() == "Really?"
    page.click("dialog[open] button:text-is('Cancel')")
    assert count == []

    page.click("#form button")
    page.click("dialog[open] button:text-is('Yes')")
    page.wait_for_url("**/sent/?do=it")
    assert count == [1]


def test_a_double_click_sends_once(tab) -> None:
    count: list[int] = []
    form = FORM.format(attributes="data-disable-on-submit")
    page = tab("/form/", pages={"/form/": lambda: form, "/sent/": sent_page(count)})

    page.evaluate("""() => {
        const button = document.querySelector("#form button");
        button.click(); button.click(); button.click();
    }""")
    page.wait_for_url("**/sent/?do=it")

    assert count == [1]


def test_polling_stops_when_the_state_is_final(tab) -> None:
    rounds: list[int] = []

    def waiting() -> str:
        rounds.append(1)
        poll = "data-poll='0.1'" if len(rounds) < 3 else ""
        return (
            f"<!doctype html><body><main id=main><div id=state {poll}>{len(rounds)}</div></main>"
            "<script src='/static/js/homeroom.js' defer></script></body>"
        )

    page = tab("/waiting/", pages={"/waiting/": waiting})

    page.wait_for_function("document.querySelector('#state').textContent === '3'")
    page.wait_for_timeout(400)

    assert len(rounds) == 3


def test_the_chosen_file_is_named(tab) -> None:
    page = tab()

    page.set_input_files(
        "input[type=file]",
        files=[{"name": "families.csv", "mimeType": "text/csv", "buffer": b"a,b"}],
    )

    assert page.locator("[data-file-name]").inner_text() == "families.csv"


def test_the_open_tab_is_in_sight_on_a_phone(tab) -> None:
    items = "".join(f'<li><a href="#{at}">A longer title {at}</a></li>' for at in range(9))
    row = f'<ul role="list">{items}<li><a href="#open" aria-current="page">Open</a></li></ul>'
    style = '<link rel="stylesheet" href="/static/css/components.css">'
    start = f'{style}<main id="main"><nav class="tabs">{row}</nav>'
    body = FORM.format(attributes="").replace('<main id="main">', start)
    page = tab("/form/", pages={"/form/": lambda: body})

    box = page.locator("[aria-current]").bounding_box()
    assert box["x"] + box["width"] <= 390
