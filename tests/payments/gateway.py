"""A gateway in memory, for stories that no wire could tell quickly enough: it keeps pages, takes
money rightly or wrongly, and answers, or does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.payments.providers.base import (
    CaptureSnapshot,
    Declined,
    DisputeSnapshot,
    FailureSnapshot,
    HostedSession,
    Message,
    PaymentSnapshot,
    PayoutSnapshot,
    RefundRequest,
    RefundSnapshot,
    SessionRequest,
    Transaction,
    Unknown,
    WebhookEndpoint,
)


@dataclass
class Page:
    """One hosted page and all the money that ever went through it."""

    payment_id: str
    session_id: str
    amount_minor: int
    currency: str
    status: str = "open"
    processing: tuple[tuple[str, datetime], ...] = ()
    captures: list[CaptureSnapshot] = field(default_factory=list)
    failures: list[FailureSnapshot] = field(default_factory=list)
    refunds: list[RefundSnapshot] = field(default_factory=list)
    disputes: list[DisputeSnapshot] = field(default_factory=list)

    def left(self, capture_id: str) -> int:
        """What the gateway would still give back of a capture."""
        taken = sum(c.amount_minor for c in self.captures if c.capture_id == capture_id)
        back = sum(r.amount_minor for r in self.refunds if r.status != "failed")
        lost = sum(d.amount_minor for d in self.disputes if d.status != "won")
        return taken - back - lost


class Gateway:
    """Stands where an adapter stands. `mood`: how the next refund ends."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.by_key: dict[str, RefundSnapshot] = {}
        self.mood = "succeeded"
        self.count = 0

    def number(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:05}"

    # What the platform asks --------------------------------------------------------------------

    def open_session(self, request: SessionRequest) -> HostedSession:
        session_id = f"cs_{request.payment_id}"
        total = sum(line.amount_minor for line in request.lines)
        page = Page(request.payment_id, session_id, total, request.currency)
        self.pages.setdefault(session_id, page)
        return HostedSession(session_id=session_id, url="http://pay.test/", expires_at=None)

    def fetch(self, session_id: str) -> PaymentSnapshot:
        page = self.pages[session_id]
        return PaymentSnapshot(
            session_id=session_id,
            payment_id=page.payment_id,
            open=page.status == "open",
            expired=page.status == "expired",
            url="",
            processing=page.processing,
            captures=tuple(page.captures),
            failures=tuple(page.failures),
            refunds=tuple(page.refunds),
            disputes=tuple(page.disputes),
        )

    def expire(self, session_id: str) -> None:
        page = self.pages[session_id]
        if page.status == "open":
            page.status = "expired"

    def refund(self, request: RefundRequest) -> RefundSnapshot:
        known = self.by_key.get(request.idempotency_key)
        page = self.pages[request.session_id]
        if known is None:
            if self.mood == "unheard":
                raise Unknown("no answer")
            capture_id = request.capture_id or page.captures[0].capture_id
            if self.mood == "declined" or request.amount_minor > page.left(capture_id):
                raise Declined("no")
            known = self._give_back(page, request)
        if self.mood == "unanswered":
            raise Unknown("no answer")
        return next(r for r in page.refunds if r.provider_refund_id == known.provider_refund_id)

    def _give_back(self, page: Page, request: RefundRequest) -> RefundSnapshot:
        made = RefundSnapshot(
            provider_refund_id=self.number("re"),
            our_id=request.refund_id,
            amount_minor=request.amount_minor,
            currency=page.currency,
            status="pending" if self.mood == "pending" else "succeeded",
            failure="",
            at=timezone.now(),
        )
        page.refunds.append(made)
        self.by_key[request.idempotency_key] = made
        return made

    def register_webhook(self, *, url: str, idempotency_key: str) -> WebhookEndpoint:
        return WebhookEndpoint(endpoint_id="we_1", secret="whsec_of_a_test")

    def remove_webhook(self, endpoint_id: str) -> None:
        return None

    def check(self) -> None:
        return None

    def verify(self, *, body: bytes, headers: Mapping[str, Any], secrets: Sequence[str]) -> Message:
        raise AssertionError("the machine's gateway sends no messages")

    def list_transactions(self, *, since: datetime, until: datetime) -> Iterator[Transaction]:
        return iter(())

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        return iter(())

    # What the world does to it -----------------------------------------------------------------

    def capture(self, page: Page, amount_minor: int, currency: str = "") -> None:
        page.status = "complete"
        page.captures.append(
            CaptureSnapshot(
                capture_id=self.number("ch"),
                amount_minor=amount_minor,
                currency=currency or page.currency,
                method="card",
                at=timezone.now(),
            )
        )

    def decline(self, page: Page, *, final: bool) -> None:
        page.status = "complete" if final else page.status
        page.failures.append(
            FailureSnapshot(
                attempt_id=self.number("at"),
                code="card_declined",
                message="",
                final=final,
                at=timezone.now(),
            )
        )

    def refund_in_dashboard(self, page: Page, amount_minor: int) -> None:
        most = page.left(page.captures[0].capture_id)
        if 0 < amount_minor <= most:
            page.refunds.append(
                RefundSnapshot(
                    provider_refund_id=self.number("re"),
                    our_id="",
                    amount_minor=amount_minor,
                    currency=page.currency,
                    status="succeeded",
                    failure="",
                    at=timezone.now(),
                )
            )

    def end_refund(self, page: Page, place: int, status: str) -> None:
        """Pending ones end; those that were made may still come back."""
        if page.refunds:
            which = place % len(page.refunds)
            if page.refunds[which].status != "failed":
                page.refunds[which] = replace(page.refunds[which], status=status, failure="bank")

    def dispute(self, page: Page, amount_minor: int) -> None:
        capture = page.captures[amount_minor % len(page.captures)]
        page.disputes.append(
            DisputeSnapshot(
                dispute_id=self.number("du"),
                capture_id=capture.capture_id,
                amount_minor=min(amount_minor, capture.amount_minor),
                currency=capture.currency,
                status="open",
                reason="fraudulent",
                due_by=timezone.now(),
                at=timezone.now(),
            )
        )

    def decide(self, page: Page, place: int, status: str) -> None:
        if page.disputes:
            which = place % len(page.disputes)
            page.disputes[which] = replace(page.disputes[which], status=status)
