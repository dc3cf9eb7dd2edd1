"""Statements as ISO 20022 CAMT.053, versions .02 to .08.

The parser is expat with every document type refused: without one no entity can be declared, so
neither a bomb of entities nor a file of this machine can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from django.utils.translation import gettext as _

from apps.payments.services.bank.entries import MAX_LINES, Entry, Problem, Read, near
from kernel.errors import Invalid
from kernel.money import MAX_MINOR, exponent

MAX_DEPTH = 40


def looks_like(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<"


def parse(content: bytes) -> Element:
    """The tree with names as they are written, without namespaces. Raises Invalid."""
    builder, depth = TreeBuilder(), [0]
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        depth[0] += 1
        if depth[0] > MAX_DEPTH:
            raise Invalid(_("This is not a bank statement."), field="file")
        builder.start(name.rpartition(" ")[2], attributes)

    def end(name: str) -> None:
        depth[0] -= 1
        builder.end(name.rpartition(" ")[2])

    def refuse(*_declared: Any) -> None:
        raise Invalid(_("A statement must not declare a document type."), field="file")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Invalid(_("The XML of this file cannot be read."), field="file") from error
    return builder.close()


def read(content: bytes) -> Read:
    """Booked entries of all statements of the file. Raises Invalid for what is no CAMT.053."""
    root = parse(content)
    statements = root.findall("./BkToCstmrStmt/Stmt")
    if root.tag != "Document" or not statements:
        raise Invalid(_("This is not a CAMT.053 statement."), field="file")
    accounts = {_account(statement) for statement in statements}
    if len(accounts) > 1:
        message = _("The file holds statements of several accounts. Upload one account at a time.")
        raise Invalid(message, field="file")
    entries: list[Entry] = []
    problems: list[Problem] = []
    for place, entry in enumerate(_booked(statements), start=1):
        if place > MAX_LINES:
            raise Invalid(_("The file has too many lines. Split it into several files."))
        try:
            entries.append(_entry(entry))
        except ValueError as error:
            problems.append(Problem(line=place, message=str(error)))
    return Read(entries=entries, problems=problems, account_ref=accounts.pop())


def _booked(statements: list[Element]) -> Iterator[Element]:
    """What is only announced (PDNG, INFO) may still change and is left out."""
    for statement in statements:
        for entry in statement.findall("Ntry"):
            # .02 writes the status as text, later versions in a Cd of its own.
            status = _text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK"
            if status == "BOOK":
                yield entry


def _account(statement: Element) -> str:
    return (_text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id"))[:60]


def _entry(entry: Element) -> Entry:
    amount = entry.find("Amt")
    currency = amount.get("Ccy", "") if amount is not None else ""
    minor = _minor(_text(entry, "Amt"), currency)
    if minor == 0:
        raise ValueError(_("The amount is zero."))
    incoming = _text(entry, "CdtDbtInd") == "CRDT"
    details = entry.find("NtryDtls/TxDtls")
    party = "Dbtr" if incoming else "Cdtr"
    return Entry(
        booked_on=near(_day(_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm"))),
        amount_minor=minor if incoming else -minor,
        currency=currency,
        name=_name(details, party)[:200],
        text=_words(entry)[:500],
        reference=_text(entry, "AcctSvcrRef")[:100],
    )


def _name(details: Element | None, party: str) -> str:
    if details is None:
        return ""
    # .08 puts a Pty between the role and the name.
    return _text(details, f"RltdPties/{party}/Nm") or _text(details, f"RltdPties/{party}/Pty/Nm")


def _words(entry: Element) -> str:
    parts = [
        *(node.text for node in entry.iterfind("NtryDtls/TxDtls/RmtInf/Ustrd")),
        *(node.text for node in entry.iterfind("NtryDtls/TxDtls/RmtInf/Strd/CdtrRefInf/Ref")),
        *(node.text for node in entry.iterfind("NtryDtls/TxDtls/Refs/EndToEndId")),
        *(node.text for node in entry.iterfind("AddtlNtryInf")),
    ]
    words = " ".join(part for part in parts if part and part != "NOTPROVIDED")
    return " ".join(words.split())


def _minor(text: str, currency: str) -> int:
    try:
        minor = Decimal(text).scaleb(exponent(currency))
    except (InvalidOperation, KeyError, ValueError) as error:
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": text[:30]}) from error
    whole = minor.is_finite() and minor == minor.to_integral_value()
    if not whole or not 0 <= minor <= MAX_MINOR:
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": text[:30]})
    return int(minor)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError(
            _("“%(text)s” is not a date of this kind.") % {"text": text[:30]}
        ) from error


def _text(node: Element, path: str) -> str:
    return " ".join((node.findtext(path) or "").split())
