"""Whatever happens to payments, in any order and twice: the sums hold, in payments and in the
books, and history gone through again gives the same tables."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from apps.events import facade as events
from apps.events.models import DeadLetter, OutboxEvent
from apps.fees import handlers
from apps.fees import restoring as fee_books
from apps.fees.models import Allocation, Cover, Credit, DisputeLoss, Invoice
from apps.fees.services import allocation, billing, disputes, refunds
from apps.fees.services import parts as splitting
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models, projections, restoring
from apps.payments.aggregate import fold
from apps.payments.choices import MISMATCH
from apps.payments.services import janitor, journal, mismatches, sync
from apps.payments.services.derived import payment_columns
from kernel.errors import DomainError
from tests.payments.covers import start
from tests.payments.gateway import Gateway, Page

HEARD = {
    "payments.payment_captured": handlers.settle_invoices_on_payment_captured,
    "payments.extra_captured": handlers.keep_as_credit_on_extra_captured,
    "payments.refund_completed": handlers.book_refund_on_refund_completed,
    "payments.refund_failed": handlers.undo_refund_on_refund_failed,
    "payments.dispute_lost": handlers.book_loss_on_dispute_lost,
    "payments.dispute_won": handlers.give_again_on_dispute_won,
}
places = st.integers(0, 50)
amounts = st.integers(1, 60000)


class Money(RuleBasedStateMachine):
    """One family, its bills, its payments, and a gateway that does as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.ground = ExitStack()
        atomic = transaction.atomic()
        atomic._from_testcase = True  # type: ignore[attr-defined]  # durable blocks may begin in it
        self.ground.enter_context(atomic)
        self.gateway = Gateway()
        place = "apps.payments.services.accounts.provider_for"
        self.ground.enter_context(patch(place, lambda account: self.gateway))
        payments.create_sandbox_account()
        self.room = make.make_class()
        self.family = make.make_family(self.room, children=2)
        self.runs = [make.bill(self.room)]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.ground.close()

    # The school ---------------------------------------------------------------------------------

    @rule(amount=amounts)
    def bill(self, amount: int) -> None:
        self.runs.append(make.bill(self.room, amount_minor=amount))

    @rule(place=places)
    def cancel_invoices(self, place: int) -> None:
        self._try(billing.reverse_run, run_id=self.runs[place % len(self.runs)], actor=make.ACTOR)

    @rule(amount=amounts)
    def use_credit(self, amount: int) -> None:
        owed = [row.id for child in self.family.children for row in make.owed(child)]
        self._try(
            allocation.use_credit,
            household_id=self.family.guardian.household_id,
            invoice_ids=owed,
            most_minor=amount,
            token=uuid4(),
        )

    @rule(
        place=places,
        amount=amounts,
        mood=st.sampled_from(
            ["succeeded", "succeeded", "pending", "unanswered", "unheard", "declined"]
        ),
        effect=st.sampled_from(["owe_again", "credit_note", "from_credit"]),
    )
    def refund(self, place: int, amount: int, mood: str, effect: str) -> None:
        if payment := self._payment(place):
            self.gateway.mood = mood
            self._try(
                refunds.refund_payment,
                payment_id=payment.pk,
                student_id=self.family.children[place % 2].pk,
                amount_minor=amount,
                reason="r",
                effect=effect,
                actor=make.ACTOR,
                key=str(uuid4()),
            )

    @rule(place=places, amount=amounts)
    def refund_on_the_payments_page(self, place: int, amount: int) -> None:
        if payment := self._payment(place):
            self.gateway.mood = "succeeded"
            self._try(
                payments.request_refund,
                payment_id=payment.pk,
                amount_minor=amount,
                reason="r",
                actor=make.ACTOR,
                idempotency_key=str(uuid4()),
            )

    @rule(ignored=st.booleans())
    def decide_about_a_refund_of_the_dashboard(self, ignored: bool) -> None:
        waiting = models.Refund.objects.filter(external=True, status="pending").first()
        if waiting is None:
            return
        if ignored:
            self._try(refunds.ignore_external, refund_id=waiting.pk, reason="r", actor="a")
            return
        listed = splitting.listed(payments.get_payment(waiting.payment_id), waiting.amount_minor)
        self._try(
            refunds.book_external,
            refund_id=waiting.pk,
            reason="r",
            effect="owe_again",
            parts={part.invoice_id: part.amount_minor for part in listed},
            actor="a",
        )

    @rule(place=places, decision=st.sampled_from(["book", "refund", "close"]))
    def decide_about_a_mismatch(self, place: int, decision: str) -> None:
        payment = models.Payment.objects.filter(attention=MISMATCH).first()
        if payment is not None:
            self.gateway.mood = "succeeded"
            seen = mismatches.waiting(payment)
            capture_id = seen[place % len(seen)].capture_id
            self._try(
                mismatches.resolve,
                payment_id=payment.pk,
                capture_id=capture_id,
                decision=decision,
                why="w",
                actor="a",
            )

    @rule(decision=st.sampled_from(["owed", "waived"]))
    def decide_about_a_loss(self, decision: str) -> None:
        loss = DisputeLoss.objects.filter(state="waiting").first()
        if loss is not None:
            self._try(disputes.decide, dispute_id=loss.pk, decision=decision, actor="a")

    # The family ---------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), amount=amounts, cover=st.sampled_from([0, 0, 1, 320]))
    def start(self, count: int, amount: int, cover: int) -> None:
        owed = [row for child in self.family.children for row in make.owed(child)][:count]
        if owed:
            parts = [(row.id, min(amount, row.balance_minor)) for row in owed]
            self._try(start, self.family, parts, cover=cover)

    @rule(place=places, off=st.sampled_from([0, 0, 0, 0, 5, -5]))
    def pay(self, place: int, off: int) -> None:
        """Also on a page that was closed: banks settle late."""
        if (page := self._page(place)) and not page.captures and page.amount_minor + off > 0:
            self.gateway.capture(page, page.amount_minor + off)

    @rule(place=places)
    def take_the_money_twice(self, place: int) -> None:
        page = self._page(place)
        if page and page.captures and len(page.captures) < 3:
            self.gateway.capture(page, page.amount_minor)

    @rule(place=places, final=st.booleans())
    def decline(self, place: int, final: bool) -> None:
        if (page := self._page(place)) and page.status == "open":
            self.gateway.decline(page, final=final)

    @rule(place=places)
    def close(self, place: int) -> None:
        if payment := self._payment(place):
            self._try(sync.close, payment.pk)

    # The bank and the gateway -------------------------------------------------------------------

    @rule(place=places, amount=amounts)
    def refund_in_the_dashboard(self, place: int, amount: int) -> None:
        if (page := self._page(place)) and page.captures:
            self.gateway.refund_in_dashboard(page, amount)

    @rule(place=places, which=places, status=st.sampled_from(["succeeded", "failed"]))
    def refund_ends(self, place: int, which: int, status: str) -> None:
        if page := self._page(place):
            self.gateway.end_refund(page, which, status)

    @rule(place=places, amount=amounts)
    def dispute(self, place: int, amount: int) -> None:
        if (page := self._page(place)) and page.captures and len(page.disputes) < 2:
            self.gateway.dispute(page, amount)

    @rule(place=places, which=places, status=st.sampled_from(["under_review", "won", "lost"]))
    def bank_decides(self, place: int, which: int, status: str) -> None:
        if page := self._page(place):
            self.gateway.decide(page, which, status)

    # The platform -------------------------------------------------------------------------------

    @rule(place=places)
    def ask(self, place: int) -> None:
        """A webhook, the return page, or the staff's button."""
        if payment := self._payment(place):
            self._try(sync.ask_gateway, payment.pk)

    @rule(place=places)
    def janitor_looks(self, place: int) -> None:
        if payment := self._payment(place):
            self.gateway.mood = "succeeded"
            self._try(janitor.tidy_payment, payment.pk)

    @rule(twice=st.booleans())
    def hear(self, twice: bool) -> None:
        told = list(OutboxEvent.objects.filter(event_type__in=HEARD).order_by("id"))
        self._drain()
        if twice:
            for row in told:
                HEARD[row.event_type](_Again(row))  # type: ignore[arg-type]

    # What holds always --------------------------------------------------------------------------

    @invariant()
    def every_payment_adds_up(self) -> None:
        for payment in models.Payment.objects.all():
            stored = list(events.load(payment.pk))
            state = fold(each.event for each in stored)
            assert fold(reversed([each.event for each in stored])) == state
            for column, value in payment_columns(state).items():
                assert getattr(payment, column) == value, column
            assert 0 <= state.refunded_minor <= state.captured_minor
            assert 0 <= state.refundable_minor <= state.captured_minor
            assert {c.currency for c in state.captures.values()} <= {payment.currency}
            assert 0 <= state.covered_minor <= payment.cover_minor
            self._replayed(payment, stored)

    def _replayed(self, payment: models.Payment, stored: Any) -> None:
        history = events.History(version=stored[-1].version, events=[row.event for row in stored])
        rows = projections.project(payment.pk, history)
        for derived_table, model in (
            (projections.PAYMENT, models.Payment),
            (projections.REFUND, models.Refund),
            (projections.DISPUTE, models.Dispute),
        ):
            where = {"pk": payment.pk} if model is models.Payment else {"payment": payment}
            found = model._default_manager.filter(**where).order_by("pk")
            columns = ("pk", *derived_table.columns)
            assert list(found.values_list(*columns)) == rows[derived_table.table]

    @invariant()
    def no_refund_goes_out_twice(self) -> None:
        for page in self.gateway.pages.values():
            ours = [refund.our_id for refund in page.refunds if refund.our_id]
            assert len(ours) == len(set(ours))

    @rule()
    def books_agree_once_all_news_is_heard(self) -> None:
        self._drain()
        assert list(DeadLetter.objects.values_list("error", flat=True)) == []
        for payment in models.Payment.objects.filter(captured_at__isnull=False):
            state = journal.state_of(payment.pk)
            assert self._booked(payment.pk) == state.kept_minor
            assert state.is_square
        assert fee_books.add_up().problems == ()
        assert restoring.add_up().problems == ()
        assert not Invoice.objects.with_balances().filter(charged__lt=0).exists()

    def _booked(self, payment_id: UUID) -> int:
        return sum(
            model._default_manager.filter(payment_id=payment_id).aggregate(
                total=Sum("amount_minor")
            )["total"]
            or 0
            for model in (Allocation, Credit, Cover)
        )

    def _drain(self) -> None:
        while events.drain(connection.schema_name):
            pass
        assert not OutboxEvent.objects.exclude(last_error="").exists()

    def _payment(self, place: int) -> models.Payment | None:
        rows = list(models.Payment.objects.order_by("pk"))
        return rows[place % len(rows)] if rows else None

    def _page(self, place: int) -> Page | None:
        pages = [self.gateway.pages[key] for key in sorted(self.gateway.pages)]
        return pages[place % len(pages)] if pages else None

    @staticmethod
    def _try(call: Any, *args: Any, **wanted: Any) -> None:
        """A refusal that a person can read is fine; anything else is not."""
        try:
            call(*args, **wanted)
        except DomainError:
            return


class _Again:
    """An event that is delivered a second time."""

    def __init__(self, row: OutboxEvent) -> None:
        from apps.events.services.registry import registry

        self.event = registry().decode(row.event_type, row.version, row.payload)
        self.event_id = row.event_id


def test_the_sums_hold_whatever_happens(school: Any, settings: Any) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    run_state_machine_as_test(
        Money,
        settings=examples(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
