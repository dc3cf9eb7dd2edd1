"""A person at a browser that reads pages, fills in forms, keeps cookies and runs no script."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

SUBMITS = {"submit", "image"}
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Button:
    text: str = ""
    name: str = ""
    value: str = ""
    action: str = ""


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)

    def button(self, text: str) -> Button:
        return next(b for b in self.buttons if text.lower() in b.text.lower())

    def choice(self, name: str, label: str) -> str:
        """The value of the checkbox, radio button or option that people see as `label`."""
        return next(v for v, seen in self.choices[name].items() if label.lower() in seen.lower())


class _Reader(HTMLParser):
    """Collects text, links and forms. Controls outside their form (form="id") are theirs too."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.labels: dict[str, str] = {}
        self._form: Form | None = None
        self._button: Button | None = None
        self._link: list[str] | None = None
        self._hidden = 0
        self._select: tuple[Form, str] | None = None
        self._option: list[str] | None = None
        self._textarea: tuple[Form, str, list[str]] | None = None
        self._label: list[Any] | None = None
        self._late: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {key: value if value is not None else "" for key, value in attrs}
        if tag in ("script", "style", "template"):
            self._hidden += 1
        elif tag == "form":
            self._form = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._form)
            if "id" in a:
                self.by_id[a["id"]] = self._form
        elif tag == "a" and "href" in a:
            self._link = [a["href"], ""]
        elif tag == "label":
            self._label = ["", "", []]
        elif tag in ("input", "button", "select", "textarea"):
            self._control(tag, a)
        elif tag == "option" and self._select:
            self._option = [a.get("value", ""), "", "selected" if "selected" in a else ""]

    def _control(self, tag: str, a: dict[str, str]) -> None:
        form = self.by_id.get(a["form"]) if "form" in a else self._form
        if form is None or "disabled" in a:
            return
        kind = a.get("type", "submit" if tag == "button" else "text")
        if tag == "button" or kind in SUBMITS:
            button = Button(a.get("value", ""), a.get("name", ""), a.get("value", ""))
            button.action = a.get("formaction", "")
            if tag == "button":
                button.text, self._button = "", button
            if kind in SUBMITS:
                form.buttons.append(button)
        elif tag == "select":
            self._select = (form, a.get("name", ""))
            form.choices.setdefault(a.get("name", ""), {})
        elif tag == "textarea":
            self._textarea = (form, a.get("name", ""), [])
        elif kind in ("checkbox", "radio"):
            self._checkable(form, a)
        elif a.get("name") and kind != "file":
            form.fields.setdefault(a["name"], []).append(a.get("value", ""))

    def _checkable(self, form: Form, a: dict[str, str]) -> None:
        name, value = a.get("name", ""), a.get("value", "on")
        form.choices.setdefault(name, {})[value] = a.get("aria-label", "")
        if self._label is not None:
            self._label[2].append((form, name, value))
        if "checked" in a:
            form.fields.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._hidden -= 1
        elif tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "a" and self._link:
            self.links.append((self._link[0], " ".join(self._link[1].split())))
            self._link = None
        elif tag == "label" and self._label:
            for form, name, value in self._label[2]:
                form.choices[name][value] += " " + " ".join(self._label[0].split())
            self._label = None
        elif tag == "option":
            self._end_option()
        elif tag == "select":
            self._end_select()
        elif tag == "textarea" and self._textarea:
            form, name, words = self._textarea
            form.fields.setdefault(name, []).append("".join(words))
            self._textarea = None

    def _end_option(self) -> None:
        if self._option and self._select:
            form, name = self._select
            value, text, selected = self._option
            form.choices[name][value] = " ".join(text.split())
            if selected:
                form.fields[name] = [value]
        self._option = None

    def _end_select(self) -> None:
        if self._select:
            form, name = self._select
            if name not in form.fields and form.choices[name]:
                form.fields[name] = [next(iter(form.choices[name]))]
        self._select = None

    def handle_data(self, data: str) -> None:
        if self._hidden > 0:
            return
        self.words.append(data)
        if self._button is not None:
            self._button.text = " ".join((self._button.text + " " + data).split())
        if self._link is not None:
            self._link[1] += " " + data
        if self._option is not None:
            self._option[1] += data
        if self._textarea is not None:
            self._textarea[2].append(data)
        if self._label is not None:
            self._label[0] += " " + data


class Page:
    """An answer, and what a person can see and do on it."""

    def __init__(self, url: str, response: requests.Response) -> None:
        self.url, self.status, self.headers = url, response.status_code, response.headers
        self.content = response.content
        self.html = response.text if "html" in response.headers.get("Content-Type", "") else ""
        self._reader = _Reader()
        self._reader.feed(self.html)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._reader.words).split())

    @property
    def forms(self) -> list[Form]:
        return self._reader.forms

    def form(self, button: str) -> Form:
        """The form with this button (a part of its text)."""
        for form in self.forms:
            if any(button.lower() in b.text.lower() for b in form.buttons):
                return form
        seen = [b.text for form in self.forms for b in form.buttons]
        raise AssertionError(f"no button {button!r} on {self.url} ({self.status}): {seen}")

    def links(self, part: str = "") -> list[str]:
        """Absolute addresses of links whose address or text holds `part`."""
        return [
            urljoin(self.url, href)
            for href, text in self._reader.links
            if part.lower() in href.lower() or part.lower() in text.lower()
        ]

    def link(self, part: str) -> str:
        found = self.links(part)
        assert found, f"no link {part!r} on {self.url}: {self._reader.links}"
        return found[0]


class Visitor:
    """Cookies of all hosts of one person. `*.localhost` is this machine, whatever DNS says."""

    def __init__(self, home: str) -> None:
        self.home = home.rstrip("/")
        self._sessions: dict[str, requests.Session] = {}

    def twin(self) -> Visitor:
        """The same cookies on connections of its own, for a second thread."""
        other = Visitor(self.home)
        for host in self._sessions:
            other.session(host).cookies.update(self._sessions[host].cookies)
        return other

    def session(self, netloc: str) -> requests.Session:
        if netloc not in self._sessions:
            session = requests.Session()
            session.trust_env = False
            session.headers["Host"] = netloc
            self._sessions[netloc] = session
        return self._sessions[netloc]

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        """One request, redirects not followed."""
        parts = urlsplit(urljoin(self.home + "/", url))
        address = parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl()
        options.setdefault("timeout", 60)
        return self.session(parts.netloc).request(method, address, allow_redirects=False, **options)

    def open(self, url: str) -> Page:
        return self.request("GET", url)

    def request(self, method: str, url: str, *, follow: bool = True, **options: Any) -> Page:
        url = urljoin(self.home + "/", url)
        response = self.send(method, url, **options)
        for _hop in range(8):
            if not (follow and response.status_code in REDIRECTS):
                break
            url = urljoin(url, response.headers["Location"])
            response = self.send("GET", url)
        return Page(url, response)

    def press(
        self, page: Page, button: str, *, follow: bool = True, files: Any = None, **values: Any
    ) -> Page:
        """Press a button after filling in its form. A value may be a list; None leaves one out."""
        form = page.form(button)
        data, action = self._filled(page, form, form.button(button), values)
        if form.method == "get":
            return self.request("GET", action, follow=follow, params=data)
        return self.request("POST", action, follow=follow, data=data, files=files)

    def _filled(
        self, page: Page, form: Form, button: Button, values: dict[str, Any]
    ) -> tuple[list[tuple[str, str]], str]:
        fields: dict[str, list[str]] = dict(form.fields)
        for name, value in values.items():
            if value is None:
                fields.pop(name, None)
            else:
                many = value if isinstance(value, (list, tuple)) else [value]
                fields[name] = [str(one) for one in many]
        if button.name:
            fields[button.name] = [button.value]
        data = [(name, value) for name, many in fields.items() for value in many]
        return data, urljoin(page.url, button.action or form.action)

    def press_twice(self, page: Page, button: str, **values: Any) -> list[Page]:
        """A double click: the same form sent by two connections at the same time."""
        return at_once(
            *[
                lambda v=v: v.press(page, button, follow=False, **values)
                for v in (self.twin(), self.twin())
            ]
        )

    def sign_in(self, email: str, password: str) -> Page:
        form_page = self.open("/sign-in/")
        form = next(form for form in form_page.forms if "password" in form.fields)
        button = form.buttons[-1].text
        page = self.press(form_page, button, email=email, password=password)
        assert "/sign-in/" not in page.url, page.text
        return page


def at_once(*works: Any) -> list[Any]:
    """Run these at the same time; their results in order. The first error is raised."""
    gate = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = works[place]()
        except BaseException as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
