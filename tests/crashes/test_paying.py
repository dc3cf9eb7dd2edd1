"""Killed at every write of paying and refunding, then healed by what heals: the janitor, the sweep
of messages and the outbox. Money is taken once, booked once, given back once.

The database, the outbox and the gateway's wire are the real ones, and so is the SIGKILL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from django.apps import apps
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from apps.events import facade as events
from apps.fees.models import Allocation, Credit, Receipt
from apps.fees.selectors import books
from apps.fees.services import checkout, refunds
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models, tasks
from apps.payments.contracts import MESSAGES_TASK, TIDY_TASK
from apps.payments.providers import stripe
from apps.payments.tests.conftest import Sandbox, deliver
from apps.payments.tests.conftest import sandbox as sandbox
from kernel.schools import in_public
from tests.crashes.killing import is_killed, places

pytestmark = pytest.mark.timeout(600)
OWED = 45000
AT_ONCE = 20  # cases made ready together: one billing run, one pass of what runs by itself


@dataclass
class Case:
    """A family that owes OWED, at a school whose gateway is the sandbox."""

    school: Any
    sandbox: Sandbox
    family: make.Family
    token: UUID

    def start(self) -> Any:
        """The Pay button, pressed with the same form each time."""
        wish = checkout.Wish(
            invoice_ids=None, amount_minor=None, use_credit=False, token=self.token
        )
        return checkout.start_family_payment(guardian_id=self.family.guardian.pk, wish=wish)

    def press(self, url: str) -> None:
        """The payer pays on the gateway's page."""
        requests.post(url, {"action": "pay"}, allow_redirects=False, timeout=10)

    def paid(self) -> UUID:
        """Started and paid at the gateway; nobody here has heard of it."""
        step = self.start()
        self.press(step.redirect_url)
        return UUID(str(step.payment_id))

    @property
    def rows(self) -> Any:
        return models.Payment.objects.filter(payer_id=self.family.guardian.pk)

    def owed(self) -> int:
        return sum(invoice.balance_minor for invoice in make.owed(self.family.child))

    def charges(self) -> list[Any]:
        """What the gateway took for this family's payments."""
        mine = {str(key) for key in self.rows.values_list("pk", flat=True)}
        every = self.sandbox.app.store.all(self.sandbox.account(), "charge")
        return [one for one in every if one["metadata"].get("payment_id") in mine]

    def given_back(self) -> list[Any]:
        mine = {charge["id"] for charge in self.charges()}
        every = self.sandbox.app.store.all(self.sandbox.account(), "refund")
        return [one for one in every if one["charge"] in mine]


@pytest.fixture
def cases(committed_school: Any, sandbox: Sandbox) -> Callable[..., Iterator[Case]]:
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()

    def endless(prepare: Callable[[list[Case]], Any] = len) -> Iterator[Case]:
        """Case after case; `prepare` gets those that are made ready together."""
        while True:
            room = make.make_class(f"R{uuid4().hex[:6]}")
            families = [make.make_family(room) for _ in range(AT_ONCE)]
            make.bill(room, amount_minor=OWED)
            drain()
            several = [Case(committed_school, sandbox, family, uuid4()) for family in families]
            prepare(several)
            yield from several

    return endless


def drain() -> None:
    while events.drain(connection.schema_name):  # type: ignore[attr-defined]
        pass


def heal(case: Case) -> None:
    """All that runs by itself, as if its time had come. It works for the whole school."""
    assert_the_janitor_will_look()
    models.Payment.objects.exclude(next_check_at=None).update(next_check_at=timezone.now())
    waiting = models.ProviderEvent.objects.filter(state=models.ProviderEvent.RECEIVED)
    waiting.update(next_attempt_at=timezone.now())
    tasks.take_up_messages(schema_name=case.school.schema_name)
    tasks.tidy_school(schema_name=case.school.schema_name)
    drain()


def assert_the_janitor_will_look() -> None:
    """Beat sends tasks only for schools that have noted down work."""
    waiting = models.Payment.objects.exclude(next_check_at=None).exists()
    unread = models.ProviderEvent.objects.filter(state=models.ProviderEvent.RECEIVED).exists()
    with in_public():
        noted = set(
            apps.get_model("tenants", "DueWork")
            .objects.filter(school_id=1)
            .values_list("task", flat=True)
        )
    assert not waiting or TIDY_TASK in noted
    assert not unread or MESSAGES_TASK in noted


def facts(payment_id: UUID, kind: str) -> int:
    """How often the payment's story says this."""
    with connection.cursor() as cursor:
        query = "SELECT count(*) FROM stored_event WHERE stream_id = %s AND event_type = %s"
        cursor.execute(query, [payment_id, f"payments.{kind}"])
        return int(cursor.fetchone()[0])


def assert_paid_once(case: Case) -> UUID:
    """One capture at the gateway, one here, one booking, one receipt, nothing owed."""
    assert [charge["amount"] for charge in case.charges() if charge["paid"]] == [OWED]
    [payment] = case.rows.filter(captured_minor__gt=0)
    assert payment.captured_minor == OWED
    assert facts(payment.pk, "captured") == 1
    given = Allocation.objects.filter(payment_id=payment.pk, kind="payment")
    assert given.aggregate(sum=Sum("amount_minor"))["sum"] == OWED
    assert Receipt.objects.filter(payment_id=payment.pk).count() == 1
    assert not Credit.objects.filter(payment_id=payment.pk).exists()
    assert not models.OpenClaim.objects.filter(payment__payer_id=payment.payer_id).exists()
    assert case.owed() == 0
    assert books.problems() == []
    return UUID(str(payment.pk))


def assert_paid_after_all(case: Case) -> UUID:
    """Healed; if nothing was paid yet, the payer presses the same button once more and pays."""
    heal(case)
    if case.owed():
        case.press(case.start().redirect_url)
        heal(case)
    return assert_paid_once(case)


# Paying -----------------------------------------------------------------------------------------


def test_killed_while_the_page_is_opened(cases: Any) -> None:
    """Before and after the intent, the call, and the record of the page."""
    for place, case in zip(places(), cases(), strict=False):
        killed = is_killed(case.start, at=place)
        assert_paid_after_all(case)
        if not killed:
            break
    assert place > 8


def test_killed_while_a_message_is_worked_off(cases: Any) -> None:
    """The endpoint, the worker, and the handler that books."""
    for place, case in zip(places(), cases(), strict=False):
        payment_id = case.paid()
        message = next(m for m in case.sandbox.collect() if str(payment_id).encode() in m.body)

        killed = is_killed(lambda c=case, m=message: work_off(c, m), at=place)  # type: ignore[misc]
        heal(case)
        assert assert_paid_once(case) == payment_id
        if not killed:
            break
    assert place > 15


def work_off(case: Case, message: Any) -> None:
    deliver(Client(headers={"host": case.school.primary_host}), message)
    [event] = models.ProviderEvent.objects.filter(state=models.ProviderEvent.RECEIVED)
    tasks.process_provider_event(
        schema_name=case.school.schema_name, provider_event_id=str(event.pk)
    )
    drain()


def test_killed_while_the_payer_comes_back(cases: Any) -> None:
    """The page asks the gateway, and books what it hears."""
    for place, case in zip(places(), cases(), strict=False):
        payment_id = case.paid()

        killed = is_killed(lambda key=payment_id: come_back(key), at=place)  # type: ignore[misc]
        heal(case)
        assert assert_paid_once(case) == payment_id
        if not killed:
            break
    assert place > 10


def come_back(payment_id: UUID) -> None:
    payments.sync(payment_id)
    drain()


def test_killed_while_the_janitor_looks(cases: Any) -> None:
    """Who heals may die as well."""
    for place, case in zip(places(), cases(), strict=False):
        payment_id = case.paid()
        killed = is_killed(lambda case=case: heal(case), at=place)  # type: ignore[misc]
        heal(case)
        assert assert_paid_once(case) == payment_id
        if not killed:
            break
    assert place > 10


# Refunding --------------------------------------------------------------------------------------


def give_back(case: Case, payment_id: UUID) -> Any:
    """The bursar's button, pressed with the same form each time."""
    info = refunds.refund_payment(
        payment_id=payment_id,
        student_id=case.family.child.pk,
        amount_minor=1500,
        reason="Trip cancelled",
        effect="credit_note",
        actor=make.ACTOR,
        key=f"portal:{case.token}",
    )
    drain()
    return info


def settle(several: list[Case]) -> None:
    """All of them are paid, and the books know it."""
    for case in several:
        case.paid()
    heal(several[0])


def assert_given_back_once(case: Case, payment_id: UUID) -> None:
    """One refund at the gateway, one here, one contra booking and one credit note."""
    assert [refund["amount"] for refund in case.given_back()] == [1500]
    [refund] = models.Refund.objects.filter(payment_id=payment_id)
    assert (refund.status, refund.amount_minor) == ("succeeded", 1500)
    assert facts(payment_id, "refund_requested") == facts(payment_id, "refund_succeeded") == 1
    taken = Allocation.objects.filter(payment_id=payment_id, kind="refund")
    assert [row.amount_minor for row in taken] == [-1500]
    assert case.owed() == 0  # the credit note took it off
    assert books.problems() == []


def test_killed_while_money_is_given_back(cases: Any) -> None:
    for place, case in zip(places(), cases(settle), strict=False):
        payment_id = case.rows.get().pk
        killed = is_killed(lambda c=case, p=payment_id: give_back(c, p), at=place)  # type: ignore[misc]
        heal(case)
        # Killed before the intent was written, nothing was asked for: the bursar asks again. In
        # every other case the same button finds it done.
        give_back(case, payment_id)
        heal(case)
        assert_given_back_once(case, payment_id)
        if not killed:
            break
    assert place > 15


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is asked for twice by the package itself, which would wait in between."""
    monkeypatch.setattr(stripe, "NETWORK_RETRIES", 0)
    stripe._client.cache_clear()
    yield
    stripe._client.cache_clear()


def test_killed_while_the_janitor_sends_a_refund_again(cases: Any, impatient: None) -> None:
    """The gateway has done it and its answer was lost: whoever asks again may die."""
    for place, case in zip(places(), cases(settle), strict=False):
        payment_id = case.rows.get().pk
        case.sandbox.app.faults.lose_answers["/v1/refunds"] = 1
        assert give_back(case, payment_id).status == "requested"
        case.sandbox.app.faults.clear()
        killed = is_killed(lambda case=case: heal(case), at=place)  # type: ignore[misc]
        heal(case)
        assert_given_back_once(case, payment_id)
        if not killed:
            break
    assert place > 10


def test_a_process_that_fails_by_itself_is_no_crash() -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(AssertionError, match="failed by itself"):
        is_killed(fail, at=10)
