"""What a careful reader notices on a page: errors in the console, violations of the content
security policy, accessibility, sideways scrolling."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.flows.running import PASSWORD

SERIOUS = {"serious", "critical"}
# Set to a folder, it collects a picture of each page that was looked at.
SHOTS = os.environ.get("HOMEROOM_SHOTS", "")
NOTICE_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', event =>
  console.error('CSP ' + event.effectiveDirective + ' ' + event.blockedURI));
"""
# The status of a page is the page's own answer (a refused form, say), not a defect.
STATUS = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d)")
WIDER = """() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return null;
  const wide = [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > page.clientWidth + 1)
    .map(one => one.tagName + '.' + one.className).slice(0, 5);
  return `${page.scrollWidth} > ${page.clientWidth}: ${wide.join(', ')}`;
}"""


SETTLED = """() => Promise.all(document.getAnimations()
  .filter(one => one.effect.getComputedTiming().iterations !== Infinity)
  .map(one => one.finished))"""
FETCH = """async link => {
  const answer = await fetch(link.href);
  const start = (await answer.text()).slice(0, 5);
  return `${answer.status} ${answer.headers.get('Content-Type')} ${start}`;
}"""


class Watched:
    """One person's browser, and what went wrong in it so far."""

    def __init__(self, context: Any, width: int) -> None:
        self.context, self.width = context, width
        self.troubles: list[str] = []
        context.add_init_script(NOTICE_VIOLATIONS)
        self.page = context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._missing)

    def _note(self, message: Any) -> None:
        if message.type == "error" and not STATUS.search(message.text):
            self.troubles.append(f"{self.page.url}: {message.text}")

    def _failed(self, request: Any) -> None:
        # A page that is left takes its requests with it.
        if request.failure and "ERR_ABORTED" not in request.failure:
            self.troubles.append(f"{request.url}: {request.failure}")

    def _missing(self, response: Any) -> None:
        if response.status >= 500 or (
            response.status >= 400 and not response.request.is_navigation_request()
        ):
            self.troubles.append(f"{response.status} {response.url}")

    def sign_in(self, school: str, email: str, password: str = PASSWORD) -> None:
        self.page.goto(f"{school}/sign-in/")
        self.page.locator("[name=email]").fill(email)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("main form button.button-primary").click()
        self.page.wait_for_url(lambda url: "/sign-in/" not in url)

    def open(self, url: str) -> Any:
        return self.page.goto(url)

    def press(self, name: str, *, inside: str = "body") -> None:
        """Press the button or link that is called so."""
        place = self.page.locator(inside)
        button = place.get_by_role("button", name=name).or_(place.get_by_role("link", name=name))
        button.first.click()

    def fetch(self, link: str) -> str:
        """Status, type and first bytes of what a link leads to, without leaving the page."""
        return str(self.page.locator(link).first.evaluate(FETCH))

    def text(self) -> str:
        self._let_load()
        return str(self.page.locator("body").inner_text())

    def _let_load(self) -> None:
        # A press waits until the next page has begun, and what has begun may hold nothing yet.
        self.page.wait_for_load_state()

    def look(self, name: str) -> list[str]:
        """Problems of the page as it is now; an empty list when all is well."""
        self._let_load()
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SHOTS}/{name}-{self.width}.png", full_page=True)
        found = [f"{name} at {self.width} px: {problem}" for problem in self._accessibility()]
        wider = self.page.evaluate(WIDER)
        if wider:
            found.append(f"{name} at {self.width} px scrolls sideways: {wider}")
        return found

    def _accessibility(self) -> list[str]:
        self.page.evaluate(SETTLED)  # a colour that is still fading in has no contrast yet
        violations = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']} ({one['impact']}) {one['nodes'][0]['html'][:160]} …{len(one['nodes'])}x"
            for one in violations
            if one["impact"] in SERIOUS
        ]
