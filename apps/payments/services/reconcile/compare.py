"""What the gateway's books and ours say about the same money: pure, so any fault can be planted.

Money is known by its id at the gateway, never by its time: the two sides may hear of it hours
apart. Fees are in the settlement currency and are no part of any comparison.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from apps.payments.contracts import REFUND_FAILED, REFUND_PENDING, REFUND_SUCCEEDED
from apps.payments.providers.base import Transaction

PAID_AT_GATEWAY_NOT_LOCAL = "paid_at_gateway_not_local"
LOCAL_PAID_MISSING_AT_GATEWAY = "local_paid_missing_at_gateway"
AMOUNT_MISMATCH = "amount_mismatch"
CURRENCY_MISMATCH = "currency_mismatch"
STATUS_MISMATCH = "status_mismatch"
SECOND_CAPTURE = "second_capture"
UNKNOWN_AT_LOCAL = "unknown_at_local"
EXTERNAL_REFUND = "external_refund"
REFUND_AMOUNT_MISMATCH = "refund_amount_mismatch"
LOCAL_REFUND_MISSING = "local_refund_missing"
UNKNOWN_DISPUTE = "unknown_dispute"
DUPLICATE_ROW = "duplicate_row"
KINDS = (
    PAID_AT_GATEWAY_NOT_LOCAL,
    LOCAL_PAID_MISSING_AT_GATEWAY,
    AMOUNT_MISMATCH,
    CURRENCY_MISMATCH,
    STATUS_MISMATCH,
    SECOND_CAPTURE,
    UNKNOWN_AT_LOCAL,
    EXTERNAL_REFUND,
    REFUND_AMOUNT_MISMATCH,
    LOCAL_REFUND_MISSING,
    UNKNOWN_DISPUTE,
    DUPLICATE_ROW,
)
# What undoes a line of the gateway's books: the same thing may be booked once more after it.
_UNDONE_BY = {
    "charge": "charge_failure",
    "refund": "refund_failure",
    "dispute": "dispute_reversal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPayment:
    """`capture_id` may name a capture that was not booked: then `captured_minor` is 0."""

    id: UUID
    currency: str
    amount_minor: int
    captured_minor: int
    capture_id: str
    captured_at: datetime | None

    def booked(self, capture_id: str) -> bool:
        return bool(self.captured_minor) and self.capture_id == capture_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OurRefund:
    """`at`: when the gateway says that it was made."""

    id: UUID
    payment_id: UUID
    provider_refund_id: str
    currency: str
    amount_minor: int
    status: str
    external: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our side: whatever the gateway's lines name, and all money of the window."""

    payments: Sequence[OurPayment] = ()
    refunds: Sequence[OurRefund] = ()
    dispute_ids: frozenset[str] = frozenset()
    # Captures whose dispute is known, where the books of the gateway do not name disputes.
    disputed_captures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A capture or refund as the gateway showed it when it was asked about by name."""

    at: datetime
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is judged: from `since` up to `until`. Lines were listed from `listed_since` up to
    `listed_until`; what is ours and younger than `late_after` may not be in the books yet."""

    since: datetime
    until: datetime
    listed_since: datetime
    listed_until: datetime
    late_after: datetime

    def judges(self, at: datetime) -> bool:
        return self.since <= at < self.until

    def lists(self, at: datetime) -> bool:
        return self.listed_since <= at < self.listed_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One discrepancy. Sums: (minor units, currency)."""

    kind: str
    object_id: str
    at: datetime
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    ours: tuple[int, str] | None = None
    theirs: tuple[int, str] | None = None


@dataclass(slots=True)
class _Lines:
    """The gateway's lines by what they are about, each thing once."""

    of: dict[str, dict[str, Transaction]] = field(default_factory=lambda: defaultdict(dict))
    repeated: list[Transaction] = field(default_factory=list)
    given_back: Counter[str] = field(default_factory=Counter)

    def of_kind(self, kind: str) -> Mapping[str, Transaction]:
        return self.of.get(kind, {})


def compare(
    ours: Ours,
    theirs: Iterable[Transaction],
    window: Window,
    *,
    seen: Mapping[str, Seen] | None = None,
) -> list[Found]:
    """Every discrepancy of the window, oldest first. `seen`: what the gateway showed by name,
    object id -> Seen, where it was asked; it settles what lies outside of the listing."""
    index = _Index(ours, _read(theirs), window, seen or {})
    found = [
        *_repeated(index),
        *_charges(index),
        *_missing_charges(index),
        *_refunds(index),
        *_missing_refunds(index),
        *_disputes(index),
    ]
    judged = [item for item in found if window.judges(item.at)]
    return sorted(judged, key=lambda item: (item.at, item.kind, item.object_id))


def _read(theirs: Iterable[Transaction]) -> _Lines:
    """A line that a page boundary showed twice is one line; two lines for one thing are two."""
    lines, standing = _Lines(), Counter[tuple[str, str]]()
    undoes = {undone: kind for kind, undone in _UNDONE_BY.items()}
    for line in sorted(set(theirs), key=lambda line: (line.at, line.transaction_id)):
        kind = undoes.get(line.kind, line.kind)
        standing[kind, line.object_id] += 1 if kind == line.kind else -1
        if line.kind in _UNDONE_BY and standing[kind, line.object_id] > 1:
            lines.repeated.append(line)
        else:
            lines.of[line.kind].setdefault(line.object_id, line)
    for line in lines.of_kind("refund").values():
        if line.object_id not in lines.of_kind("refund_failure"):
            lines.given_back[line.capture_id] -= line.amount_minor
    return lines


class _Index:
    """Both sides by the ids that the gateway knows them by."""

    def __init__(self, ours: Ours, lines: _Lines, window: Window, seen: Mapping[str, Seen]) -> None:
        self.ours, self.lines, self.window, self.seen = ours, lines, window, seen
        self.by_id = {str(payment.id): payment for payment in ours.payments}
        self.by_capture = {p.capture_id: p for p in ours.payments if p.capture_id}
        self.refunds = {r.provider_refund_id: r for r in ours.refunds if r.provider_refund_id}
        self.first_charge: dict[UUID, str] = {}
        for line in lines.of_kind("charge").values():
            payment = self.payment_of(line)
            if payment and line.object_id not in lines.of_kind("charge_failure"):
                self.first_charge.setdefault(payment.id, line.object_id)

    def payment_of(self, line: Transaction) -> OurPayment | None:
        capture_id = line.capture_id or line.object_id
        charge = self.lines.of_kind("charge").get(capture_id)
        refund = self.refunds.get(line.object_id)
        return (
            self.by_capture.get(capture_id)
            or self.by_id.get(line.payment_id)
            or (self.by_id.get(charge.payment_id) if charge else None)
            or (self.by_id.get(str(refund.payment_id)) if refund else None)
        )

    def elsewhere(self, object_id: str) -> bool:
        """The gateway knows it and says it happened at a time whose lines were not read."""
        shown = self.seen.get(object_id)
        return shown is not None and not self.window.lists(shown.at)


def _of_line(kind: str, line: Transaction, payment: OurPayment | None) -> Found:
    return Found(
        kind=kind,
        object_id=line.object_id,
        at=line.at,
        payment_id=payment.id if payment else None,
        theirs=(abs(line.amount_minor), line.currency),
    )


def _repeated(index: _Index) -> Iterator[Found]:
    for line in index.lines.repeated:
        yield _of_line(DUPLICATE_ROW, line, index.payment_of(line))


def _charges(index: _Index) -> Iterator[Found]:
    for line in index.lines.of_kind("charge").values():
        payment = index.payment_of(line)
        kind = _charge_kind(index, line, payment)
        if kind:
            ours = (_expected(payment), payment.currency) if payment else None
            yield replace(_of_line(kind, line, payment), ours=ours)


def _expected(payment: OurPayment) -> int:
    return payment.captured_minor or payment.amount_minor


def _charge_kind(index: _Index, line: Transaction, payment: OurPayment | None) -> str:
    failed = line.object_id in index.lines.of_kind("charge_failure")
    if payment is None:
        return "" if failed else UNKNOWN_AT_LOCAL
    if payment.booked(line.object_id):
        differs = _differs(line, payment.captured_minor, payment.currency, AMOUNT_MISMATCH)
        return STATUS_MISMATCH if failed else differs
    if failed or index.lines.given_back[line.object_id] >= line.amount_minor:
        return ""  # it came and went, and nothing of it is booked
    if payment.captured_minor or index.first_charge[payment.id] != line.object_id:
        return SECOND_CAPTURE
    differs = _differs(line, payment.amount_minor, payment.currency, AMOUNT_MISMATCH)
    return differs or PAID_AT_GATEWAY_NOT_LOCAL


def _differs(line: Transaction, amount_minor: int, currency: str, kind: str) -> str:
    if line.currency != currency:
        return CURRENCY_MISMATCH
    return kind if abs(line.amount_minor) != amount_minor else ""


def _missing_charges(index: _Index) -> Iterator[Found]:
    known = index.lines.of_kind("charge")
    for payment in index.ours.payments:
        if not payment.captured_minor or payment.captured_at is None:
            continue
        late = payment.captured_at >= index.window.late_after
        if payment.capture_id in known or late or index.elsewhere(payment.capture_id):
            continue
        yield Found(
            kind=LOCAL_PAID_MISSING_AT_GATEWAY,
            object_id=payment.capture_id,
            at=payment.captured_at,
            payment_id=payment.id,
            ours=(payment.captured_minor, payment.currency),
        )


def _refunds(index: _Index) -> Iterator[Found]:
    failures = index.lines.of_kind("refund_failure")
    for line in {**failures, **index.lines.of_kind("refund")}.values():
        payment, refund = index.payment_of(line), index.refunds.get(line.object_id)
        shown = index.seen.get(line.object_id)
        failed = line.object_id in failures or (shown is not None and shown.failed)
        kind = _refund_kind(line, payment, refund, failed=failed)
        if kind:
            yield replace(
                _of_line(kind, line, payment),
                refund_id=refund.id if refund else None,
                ours=(refund.amount_minor, refund.currency) if refund else None,
            )


def _refund_kind(
    line: Transaction, payment: OurPayment | None, refund: OurRefund | None, *, failed: bool
) -> str:
    if refund is not None and failed != (refund.status == REFUND_FAILED):
        return STATUS_MISMATCH
    if refund is not None and not (refund.external and refund.status == REFUND_PENDING):
        return _differs(line, refund.amount_minor, refund.currency, REFUND_AMOUNT_MISMATCH)
    if failed:
        return ""
    if payment is None:
        return UNKNOWN_AT_LOCAL
    # Of money that was never booked nothing can be booked back.
    return EXTERNAL_REFUND if payment.booked(line.capture_id) else ""


def _missing_refunds(index: _Index) -> Iterator[Found]:
    known = {*index.lines.of_kind("refund"), *index.lines.of_kind("refund_failure")}
    for refund in index.ours.refunds:
        late = refund.at >= index.window.late_after
        if refund.status != REFUND_SUCCEEDED or refund.provider_refund_id in known or late:
            continue
        if index.elsewhere(refund.provider_refund_id):
            continue
        yield Found(
            kind=LOCAL_REFUND_MISSING,
            object_id=refund.provider_refund_id or str(refund.id),
            at=refund.at,
            payment_id=refund.payment_id,
            refund_id=refund.id,
            ours=(refund.amount_minor, refund.currency),
        )


def _disputes(index: _Index) -> Iterator[Found]:
    for line in index.lines.of_kind("dispute").values():
        known = line.capture_id in index.ours.disputed_captures
        if not known and line.object_id not in index.ours.dispute_ids:
            yield _of_line(UNKNOWN_DISPUTE, line, index.payment_of(line))
