"""Bank transfers of families: which invoices a line of the statement pays, and recording it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo
from apps.fees.selectors import invoices
from apps.fees.services import refunds
from apps.fees.services.allocation import catch_up
from apps.fees.services.counter import payment_lines
from apps.identity import facade as identity
from apps.payments import facade as payments
from apps.payments.contracts import BankLine, RefundInfo
from apps.students import facade as students
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.schools import current_school

# 2026-00042, or LIN-2026-00042 with the school's own letters; people leave out the dashes.
_NUMBER = re.compile(r"(?<!\d)(\d{4})[-/ ]?(\d{5})(?!\d)")
# How sure a suggestion is: the sum is what the named invoices want, or it is not quite that.
EXACT, NAMED = "exact", "named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A line that probably pays these invoices of one student or of several of one family."""

    sure: str
    invoices: tuple[InvoiceInfo, ...]

    @property
    def students(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(invoice.student_name for invoice in self.invoices))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So much of a line is for this student (minor units)."""

    student_id: UUID
    amount_minor: int


def suggestions(lines: Sequence[BankLine]) -> dict[UUID, Suggestion]:
    """Line -> what it pays: by the numbers of invoices in its words, else by a student whose name
    stands there and who owes just this sum. In a fixed number of queries."""
    incoming = [line for line in lines if line.state == "open" and line.amount_minor > 0]
    incoming = [line for line in incoming if line.currency == current_school().currency]
    if not incoming:
        return {}
    owed = invoices.owed_by_numbers_or_sums(
        numbers={number for line in incoming for number in numbers_in(line.text)},
        sums={line.amount_minor for line in incoming},
    )
    found = {line.id: _by_number(line, owed) or _by_name(line, owed) for line in incoming}
    return {key: suggestion for key, suggestion in found.items() if suggestion is not None}


def numbers_in(text: str) -> set[str]:
    """Numbers of invoices as they end: 2026-00042."""
    return {f"{year}-{number}" for year, number in _NUMBER.findall(text)}


def _by_number(line: BankLine, owed: Sequence[InvoiceInfo]) -> Suggestion | None:
    numbers = numbers_in(line.text)
    named = tuple(invoice for invoice in owed if invoice.number[-10:] in numbers)
    if not named:
        return None
    exact = sum(invoice.balance_minor for invoice in named) == line.amount_minor
    return Suggestion(sure=EXACT if exact else NAMED, invoices=named)


def _by_name(line: BankLine, owed: Sequence[InvoiceInfo]) -> Suggestion | None:
    words = f"{line.name} {line.text}".casefold()
    by_sum = [invoice for invoice in owed if invoice.balance_minor == line.amount_minor]
    named = [invoice for invoice in by_sum if invoice.student_name.casefold() in words]
    return Suggestion(sure=NAMED, invoices=(named[0],)) if len(named) == 1 else None


def confirm(chosen: Mapping[UUID, Collection[UUID]], *, actor: str) -> tuple[int, list[str]]:
    """Record what was suggested for these lines, given as line -> the invoices that were shown.
    Returns how many, and what went wrong with the others; one that fails does not keep the others
    waiting, and one for which something else would be recorded by now is not touched."""
    done, problems = 0, []
    for line_id, shown in chosen.items():
        line = payments.bank_line(line_id)
        try:
            _confirm_one(line, shown, actor=actor)
            done += 1
        except DomainError as error:
            problems.append(f"{line.text or line.name}: {error}")
    return done, problems


def _confirm_one(line: BankLine, shown: Collection[UUID], *, actor: str) -> None:
    if line.state != "open":
        raise Conflict(_("This bank line has been dealt with already."))
    suggestion = suggestions([line]).get(line.id)
    if suggestion is None or {invoice.id for invoice in suggestion.invoices} != set(shown):
        raise Invalid(_("What this line seems to pay has changed. Look at it again."))
    if payments.recorded_like_bank_line(line.id):
        raise Conflict(_("It may be recorded already: open the line and decide."))
    parts = _over_students(line.amount_minor, suggestion.invoices)
    record(line.id, parts, invoice_ids=[i.id for i in suggestion.invoices], actor=actor)


def _over_students(amount_minor: int, chosen: Sequence[InvoiceInfo]) -> list[Part]:
    """Each student's invoices in their order; what is too much goes to the last."""
    left, sums = amount_minor, dict[UUID, int]()
    for invoice in chosen:
        part = min(left, invoice.balance_minor)
        sums[invoice.student_id] = sums.get(invoice.student_id, 0) + part
        left -= part
    sums[chosen[-1].student_id] += left
    return [Part(student_id=key, amount_minor=part) for key, part in sums.items() if part]


def record(
    line_id: UUID, parts: Sequence[Part], *, invoice_ids: Sequence[UUID] = (), actor: str
) -> None:
    """Record the line as one transfer for each part, and tie them. What is given to a student
    pays `invoice_ids` first, then the oldest; the rest is credit.

    What is about to be done is written down first, and its keys follow from the line: done again
    after a crash or by somebody else it is the same. Raises NotFound, Invalid, Conflict.
    """
    line = payments.bank_line(line_id)
    _check(line, parts)
    _carry_out(line, _plan(line, parts, invoice_ids), actor=actor)


def _carry_out(line: BankLine, planned: Mapping[str, Any], *, actor: str) -> None:
    line = payments.plan_bank_line(line.id, planned)
    recorded: dict[UUID, int] = {}
    try:
        for part in planned["parts"]:
            payment_id = _record_part(line, part, planned["invoices"], actor)
            recorded[payment_id] = part["amount_minor"]
    except DomainError:
        payments.give_up_bank_plan(line.id)
        raise
    payments.tie_bank_line(line.id, recorded, actor=actor)
    catch_up([payments.get_payment(payment_id) for payment_id in recorded])


def go_on(line_id: UUID, *, actor: str) -> None:
    """Finish what was begun for a line and broke off, just as it was planned. Raises NotFound,
    Invalid, Conflict."""
    line = payments.bank_line(line_id)
    planned = line.plan or {}
    if "returned" in planned:
        take_back(line_id, UUID(planned["returned"]), actor=actor)
    elif "parts" in planned:
        _carry_out(line, planned, actor=actor)
    else:
        raise Conflict(_("Nothing was begun for this bank line, or it is done by now."))


def take_back(line_id: UUID, payment_id: UUID, *, actor: str) -> None:
    """The bank returned this cheque or transfer: reversed, and owed again from now on. Raises
    NotFound, Invalid, Conflict."""
    _book([payments.take_back_by_bank_line(line_id, payment_id, actor=actor)])


def undo(line_id: UUID, *, actor: str) -> None:
    """The line is open again, and what was recorded for it is reversed and owed again. Raises
    NotFound, Conflict."""
    _book(payments.undo_bank_line(line_id, actor=actor))


def _book(reversals: Iterable[RefundInfo]) -> None:
    for reversal in reversals:
        catch_up([payments.get_payment(reversal.payment_id)])
        refunds.book_at_once(reversal)


def _check(line: BankLine, parts: Sequence[Part]) -> None:
    if line.amount_minor <= 0:
        raise Invalid(_("Only money that came in can be recorded."))
    if line.currency != current_school().currency:
        raise Invalid(_("This line is in another currency than the school's."))
    if not parts or any(part.amount_minor <= 0 for part in parts):
        raise Invalid(_("Every part must be more than zero."), field="amount")
    if len({part.student_id for part in parts}) != len(parts):
        raise Invalid(_("Each student may be named once."))
    if sum(part.amount_minor for part in parts) != line.amount_minor:
        raise Invalid(_("The parts do not make up the amount of the line."), field="amount")


def _plan(
    line: BankLine, parts: Sequence[Part], invoice_ids: Sequence[UUID]
) -> dict[str, list[Any]]:
    """With the payers: guardians may change before what broke off is finished."""
    planned = [
        {
            "student_id": str(part.student_id),
            "amount_minor": part.amount_minor,
            "payer_id": str(_payer(line, part.student_id)),
        }
        for part in parts
    ]
    return {"parts": planned, "invoices": [str(key) for key in invoice_ids]}


def _record_part(
    line: BankLine, part: Mapping[str, Any], invoice_ids: Sequence[str], actor: str
) -> UUID:
    student_id, payer_id = UUID(part["student_id"]), UUID(part["payer_id"])
    owed = invoices.open_invoices(student_ids=[student_id])
    owed.sort(key=lambda invoice: str(invoice.id) not in invoice_ids)
    payment_id = payments.record_offline_payment(
        payer_id=payer_id,
        payer_name=_name_of(payer_id),
        lines=payment_lines(owed, amount_minor=part["amount_minor"], payer_id=payer_id),
        currency=line.currency,
        method="transfer",
        received_on=line.booked_on,
        note=f"{line.name} {line.text}".strip(),
        actor=actor,
        idempotency_key=f"bank:{line.id}:{line.attempt}:{student_id}",
    )
    identity.record_audit(
        actor=actor,
        action="fees.payment_recorded",
        subject=str(payment_id),
        detail={
            "amount_minor": part["amount_minor"],
            "method": "transfer",
            "student_id": str(student_id),
            "bank_line_id": str(line.id),
        },
    )
    return payment_id


def _payer(line: BankLine, student_id: UUID) -> UUID:
    """The guardian whom the bank names, else the first who pays, else the student. Raises
    NotFound."""
    students.get_student(student_id)
    payers = students.guardians_of([student_id])[student_id]
    words = f"{line.name} {line.text}".casefold()
    named = [payer for payer in payers if payer.name.casefold() in words]
    return next((payer.id for payer in [*named, *payers]), student_id)


def _name_of(payer_id: UUID) -> str:
    try:
        return students.get_guardian(payer_id).name
    except NotFound:
        return students.get_student(payer_id).name


def parts_of(values: Mapping[UUID, int]) -> list[Part]:
    """What a form gives: student -> minor units, without the empty ones."""
    return [Part(student_id=key, amount_minor=amount) for key, amount in values.items() if amount]
