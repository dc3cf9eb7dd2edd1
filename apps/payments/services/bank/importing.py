"""From an uploaded file to lines: looked at first, kept only when a person says so, and no entry
twice, whichever files it comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments.models import BankStatement, StatementLine
from apps.payments.services.bank import accounts, camt, csv_file, known, matching
from apps.payments.services.bank.entries import MAX_BYTES, Read, fingerprints
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import current_school

CSV, CAMT = "csv", "camt053"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What importing would do, by the places of entries. `known`: imported before. `suspects`:
    perhaps, with the line that has the same day and sum."""

    read: Read
    known: Collection[int]
    suspects: Mapping[int, StatementLine]

    @property
    def fresh(self) -> list[int]:
        """Places of what is new for sure."""
        places = range(len(self.read.entries))
        return [one for one in places if one not in self.known and one not in self.suspects]

    @property
    def seen(self) -> str:
        """Stands for the suspects: a decision about others is none about these."""
        pairs = sorted((place, str(line.pk)) for place, line in self.suspects.items())
        return hashlib.sha256(repr(pairs).encode()).hexdigest()


def upload(
    content: bytes, *, file_name: str, account_ref: str, preset: str, actor: str
) -> BankStatement:
    """Keep the file for a look. `account_ref`: what the school calls its bank account; a CAMT file
    whose IBAN is known belongs to that account whatever is said. Raises Invalid."""
    if len(content) > MAX_BYTES:
        raise Invalid(_("The file is too large: at most 2 MB."), code="too_large", field="file")
    if not content.strip():
        raise Invalid(_("The file is empty."), field="file")
    xml = camt.looks_like(content)
    iban = camt.read(content).account_ref if xml else ""
    layout = csv_file.PRESETS.get(preset, csv_file.PRESETS["iso"])
    statement = BankStatement(
        file_name=file_name[:200],
        format=CAMT if xml else CSV,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        account_ref=accounts.choose(account_ref, iban=iban),
        iban=iban,
        layout={} if xml else _guessed(content, layout).as_json(),
        uploaded_by=actor[:254],
    )
    statement.save()
    return statement


def _guessed(content: bytes, layout: csv_file.Layout) -> csv_file.Layout:
    """With the columns that the header names, so that the form shows what will be read."""
    found = csv_file.read(csv_file.decode(content), layout, currency=current_school().currency)
    values = layout.as_json() | {"columns": csv_file.guess(found.header)}
    return csv_file.layout_of(values)


def get_statement(statement_id: UUID) -> BankStatement:
    """Raises NotFound."""
    statement = BankStatement.objects.filter(pk=statement_id).first()
    if statement is None:
        raise NotFound(_("There is no such statement."))
    return statement


def same_file(statement: BankStatement) -> BankStatement | None:
    """The same file, imported before."""
    rows = BankStatement.objects.filter(sha256=statement.sha256, state=BankStatement.IMPORTED)
    return rows.exclude(pk=statement.pk).order_by("imported_at").first()


def preview(statement: BankStatement) -> Preview:
    """Raises Invalid for a file that this layout cannot read at all."""
    found = _read(statement)
    compared = known.compare(statement, found.entries)
    return Preview(read=found, known=compared.known, suspects=compared.suspects)


def _read(statement: BankStatement) -> Read:
    content = bytes(statement.content)
    if statement.format == CAMT:
        return camt.read(content)
    layout = csv_file.layout_of(statement.layout)
    return csv_file.read(csv_file.decode(content), layout, currency=current_school().currency)


@transaction.atomic
def change_layout(statement_id: UUID, layout: csv_file.Layout) -> None:
    """Read the file another way. Raises NotFound, Conflict."""
    statement = _waiting(statement_id)
    statement.layout = layout.as_json()
    statement.save(update_fields=["layout"])


def _waiting(statement_id: UUID) -> BankStatement:
    statement = BankStatement.objects.select_for_update().filter(pk=statement_id).first()
    if statement is None:
        raise NotFound(_("There is no such statement."))
    if statement.state != BankStatement.PREVIEW:
        raise Conflict(_("This statement has been dealt with already."))
    return statement


@transaction.atomic
def keep(
    statement_id: UUID, *, actor: str, seen: str = "", chosen: Collection[int] | None = ()
) -> BankStatement:
    """Import what is new, and tie payouts to their lines. Suspects are left out but for those
    (`chosen`: places, None: all) of which a person who saw them (`seen`) says that they are new.
    Raises NotFound, Conflict, Invalid."""
    _one_after_another()
    statement = _waiting(statement_id)
    looked = preview(statement)
    if not looked.read.entries:
        raise Invalid(_("There is no line that can be read. Check the columns."))
    if looked.suspects and seen != looked.seen:
        raise Conflict(_("Some lines may have been imported before. Look at them and decide."))
    new = [place for place in looked.suspects if chosen is None or place in chosen]
    lines = _lines(statement, looked, [*looked.fresh, *new])
    StatementLine.objects.bulk_create(lines, ignore_conflicts=True, batch_size=1000)
    statement.line_count = statement.lines.count()
    statement.known_count = len(looked.read.entries) - statement.line_count
    statement.bad_count = len(looked.read.problems)
    statement.state, statement.imported_at = BankStatement.IMPORTED, timezone.now()
    statement.content = b""
    statement.save()
    matching.tie_payouts()
    _audit(statement, actor, "payments.statement_imported")
    return statement


def _one_after_another() -> None:
    """Two files that wait see each other's lines: whoever imports holds all that wait."""
    waiting = BankStatement.objects.filter(state=BankStatement.PREVIEW).order_by("pk")
    list(waiting.select_for_update().values_list("pk", flat=True))


def _lines(
    statement: BankStatement, looked: Preview, places: Collection[int]
) -> list[StatementLine]:
    entries = looked.read.entries
    prints = fingerprints(entries)
    return [
        StatementLine(
            statement=statement,
            account_ref=statement.account_ref,
            fingerprint=prints[place],
            booked_on=entries[place].booked_on,
            amount_minor=entries[place].amount_minor,
            currency=entries[place].currency,
            name=entries[place].name,
            text=entries[place].text,
            reference=entries[place].reference,
        )
        for place in sorted(places)
    ]


@transaction.atomic
def discard(statement_id: UUID, *, actor: str) -> None:
    """Nothing of it is kept. Raises NotFound, Conflict."""
    statement = _waiting(statement_id)
    statement.state, statement.content = BankStatement.DISCARDED, b""
    statement.save()
    _audit(statement, actor, "payments.statement_discarded")


def _audit(statement: BankStatement, actor: str, action: str) -> None:
    identity.record_audit(
        actor=actor,
        action=action,
        subject=str(statement.pk),
        detail={"file": statement.file_name, "lines": statement.line_count},
    )
