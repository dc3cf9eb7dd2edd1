"""A school with families that owe money, and the sandbox gateway as a process of its own."""

from __future__ import annotations

import http.client
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import requests
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from psycopg.conninfo import make_conninfo

from apps.fees.models import Invoice
from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import accounts
from benchmarks import outbox
from config.stack import Stack, free_port
from kernel.schools import in_school

SCHOOL, HOST = outbox.SCHOOLS[0], "lincoln.testserver"
OWED = 45000


@contextmanager
def running(*names: str) -> Iterator[Stack]:
    """The sandbox and these processes, on the database of the run; the school, open, has an
    account at the sandbox and an address for its messages."""
    outbox.make_effects()
    with tempfile.TemporaryDirectory() as folder:
        stack = _stack(Path(folder) / "logs")
        addresses = {"SANDBOX_URL": stack.env["SANDBOX_URL"], "PUBLIC_PORT": f":{stack.port}"}
        try:
            stack.start("sandbox", *names)
            _wait_for_answer(stack)
            with override_settings(**addresses, ALLOWED_HOSTS=["*"]), in_school(SCHOOL):
                accounts.ensure_webhook(_account())
                yield stack
        finally:
            stack.stop()


def _stack(logs: Path) -> Stack:
    name = connection.settings_dict["NAME"]
    env = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": make_conninfo(os.environ["DATABASE_URL"], dbname=name),
    }
    return Stack(port=free_port(), sandbox_port=free_port(), env=env, logs=logs)


def _wait_for_answer(stack: Stack) -> None:
    """Of the sandbox and, if it runs, of web."""

    def answers() -> bool:
        addresses = [f"{stack.env['SANDBOX_URL']}/"]
        if "web" in stack.processes:
            addresses.append(f"http://127.0.0.1:{stack.port}/livez")
        try:
            return all(requests.get(url, timeout=5).status_code < 500 for url in addresses)
        except requests.RequestException:  # it is still starting
            return False

    outbox.wait_for(answers, stack)


def _account() -> models.GatewayAccount:
    models.Payment.objects.filter(is_open=True).update(next_check_at=None)
    models.GatewayAccount.objects.filter(is_default=True).update(is_default=False)
    models.GatewayAccount.objects.filter(mode=models.SANDBOX).update(mode=models.TEST)
    account = models.GatewayAccount.objects.get(pk=payments.create_sandbox_account().id)
    account.is_default = True
    account.save(update_fields=["is_default"])
    return account


@dataclass
class Payer:
    """A family's browser with the balance open, and what it owes."""

    guardian: Any
    client: Client
    invoice_id: UUID
    token: UUID = field(default_factory=uuid4)
    csrf: str = field(default_factory=partial(secrets.token_hex, 16))

    @property
    def cookies(self) -> str:
        """What the family's browser sends: the header's value."""
        session = self.client.cookies[settings.SESSION_COOKIE_NAME].value
        sent = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: self.csrf}
        return "; ".join(f"{name}={value}" for name, value in sent.items())

    def pay(self) -> str:
        """The Pay button; returns the address of the hosted page."""
        with _school_kept():
            answer = self.client.post("/family/pay/", {"token": str(self.token)})
        address = answer.headers.get("Location", "")
        if not address.startswith("http://localhost:"):
            raise RuntimeError(f"no hosted page: {answer.status_code} {address}")
        return str(address)


def payers(count: int) -> list[Payer]:
    """New families, each of which owes one invoice; nobody is told."""
    room = make.make_class(f"Room {uuid4().hex[:8]}")
    families = [make.make_family(room, name=f"Payer {number}") for number in range(count)]
    make.bill(room, amount_minor=OWED)
    outbox.clear()
    return [_payer(family) for family in families]


def _payer(family: make.Family) -> Payer:
    client = Client(headers={"host": HOST})
    with _school_kept():
        client.get(links.family_link_path(guardian_id=family.guardian.pk))
    invoice = Invoice.objects.get(student_id=family.child.pk)
    return Payer(family.guardian, client, invoice.pk)


@contextmanager
def _school_kept() -> Iterator[None]:
    """The gateway closes the school after a request."""
    before = connection.tenant  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.set_tenant(before)  # type: ignore[attr-defined]


def press_pay(address: str) -> float:
    """The payer pays on the hosted page; returns when."""
    moment = time.monotonic()
    page = urlsplit(address)
    post(page.port or 80, page.path, {"action": "pay"})
    return moment


def post(
    port: int, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    """A form sent to this machine. By hand: requests takes four times as long, of the very
    processors whose work is measured."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        link.request("POST", path, urlencode(fields), {**kind, **(headers or {})})
        answer = link.getresponse()
        answer.read()
        return answer
    finally:
        link.close()


def ms(seconds: float) -> float:
    return seconds * 1000
