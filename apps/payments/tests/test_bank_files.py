"""Statements as files: every taste of CSV, CAMT.053 of two versions, and files that are traps."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.payments.services.bank import camt, csv_file
from apps.payments.services.bank.entries import Entry, fingerprints
from kernel.errors import Invalid


def read(text, *, currency="USD", **layout):
    return csv_file.read(text, csv_file.Layout(**layout), currency=currency)


def test_a_signed_amount():
    found = read(
        "Date,Description,Amount,Name\n2026-11-02,Invoice 2026-00042,450.00,M Lopez\n"
        "2026-11-03,Rent,-1200.5,Landlord\n"
    )

    assert [(e.booked_on, e.amount_minor, e.text, e.name) for e in found.entries] == [
        (date(2026, 11, 2), 45000, "Invoice 2026-00042", "M Lopez"),
        (date(2026, 11, 3), -120050, "Rent", "Landlord"),
    ]
    assert found.header == ["Date", "Description", "Amount", "Name"]


def test_a_spanish_bank():
    text = "Fecha;Concepto;Importe\n02/11/2026;Comedor;1.234,50\n03/11/2026;Cuota;-0,05\n"
    layout = csv_file.PRESETS["es"]

    found = csv_file.read(text, layout, currency="EUR")

    assert [e.amount_minor for e in found.entries] == [123450, -5]
    assert found.entries[0].booked_on == date(2026, 11, 2)


def test_money_in_and_money_out_in_columns_of_their_own():
    text = "Posting date,Details,Debit,Credit\n11/02/2026,Fee,5.00,\n11/03/2026,Lopez,,20\n"

    found = csv_file.read(text, csv_file.PRESETS["us"], currency="USD")

    assert [e.amount_minor for e in found.entries] == [-500, 2000]


def test_columns_that_a_person_chose():
    found = read("a\tb\tc\n2026-11-02\tx\t7\n", delimiter="tab", columns={"date": 0, "amount": 2})

    assert found.entries == [Entry(booked_on=date(2026, 11, 2), amount_minor=700, currency="USD")]


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("1,234.50", 123450),
        ("1234.5", 123450),
        ("-7", -700),
        ("(7.00)", -700),
        ("7.00-", -700),
        ("$ 7.00", 700),
        ("+7.00", 700),
        ("1\u00a0000.00", 100000),
    ],
)
def test_amounts_as_banks_write_them(written, minor):
    found = read(f'Date,Amount\n2026-11-02,"{written}"\n')

    assert [e.amount_minor for e in found.entries] == [minor]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2026-11-02,12.345", "is not an amount"),
        ("2026-11-02,1.234,50", "is not an amount"),
        ("2026-11-02,abc", "is not an amount"),
        ("2026-11-02,NaN", "is not an amount"),
        ("2026-11-02,1e9", "is not an amount"),
        ("2026-11-02,99999999999999999", "is not an amount"),
        ("2026-11-02,0.00", "The amount is zero"),
        ("2026-11-02,", "There is no amount"),
        ("02/11/2026,5", "is not a date"),
        ("2026-02-30,5", "is not a date"),
        (",5", "is not a date"),
        ("0001-01-01,5", "lies too far away"),
        ("9999-12-31,5", "lies too far away"),
        ("2026-11-02", "There is no amount"),
    ],
)
def test_a_bad_line_says_where_and_why_and_stops_no_other(line, why):
    if line == "2026-11-02,1.234,50":
        line = '2026-11-02,"1.234,50"'
    found = read(f"Date,Amount\n\n{line}\n2026-11-03,1\n")

    assert [e.amount_minor for e in found.entries] == [100]
    [problem] = found.problems
    assert (problem.line, why in problem.message) == (3, True)


def test_a_currency_without_decimals():
    found = read("Date,Amount\n2026-11-02,1500\n2026-11-02,1.5\n", currency="JPY")

    assert [e.amount_minor for e in found.entries] == [1500]
    assert len(found.problems) == 1


def test_latin_1_and_the_mark_of_utf_8():
    assert csv_file.decode("Pensión".encode("latin-1")) == "Pensión"
    assert csv_file.decode("Pensión".encode("utf-8-sig")) == "Pensión"


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"a\x00b", b"\xd0\xcf\x11\xe0x"])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(Invalid):
        csv_file.decode(content)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_refused(text):
    with pytest.raises(Invalid, match="empty"):
        read(text)


@pytest.mark.parametrize(
    "values",
    [
        {"delimiter": "|"},
        {"decimal": "x"},
        {"dates": "julian"},
        {"columns": {"colour": 1}},
    ],
)
def test_an_unknown_layout_is_refused(values):
    with pytest.raises(Invalid):
        csv_file.layout_of(values)


@given(st.text(max_size=400), st.sampled_from(list(csv_file.PRESETS)))
def test_no_text_breaks_the_reader(text, preset):
    try:
        found = csv_file.read(f"Date,Amount\n{text}", csv_file.PRESETS[preset], currency="USD")
    except Invalid:
        return
    assert all(e.amount_minor for e in found.entries)


# CAMT.053 ---------------------------------------------------------------------------------------

OLD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>ES9121000418450200051332</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">450.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-02</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<RltdPties><Dbtr><Nm>María López</Nm></Dbtr><Cdtr><Nm>Colegio</Nm></Cdtr></RltdPties>
<RmtInf><Ustrd>Factura 2026-00042</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">12.5</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><DtTm>2026-11-03T08:00:00</DtTm></BookgDt><AddtlNtryInf>Comisión</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts>
<BookgDt><Dt>2026-11-03</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="EUR">x</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-03</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""
NEW = (
    OLD.replace("001.02", "001.08")
    .replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
    .replace("<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>")
    .replace("<Dbtr><Nm>María López</Nm></Dbtr>", "<Dbtr><Pty><Nm>María López</Nm></Pty></Dbtr>")
)


@pytest.mark.parametrize("text", [OLD, NEW], ids=[".02", ".08"])
def test_both_versions_say_the_same(text):
    found = camt.read(text.encode())

    assert found.account_ref == "ES9121000418450200051332"
    assert list(found.entries) == [
        Entry(
            booked_on=date(2026, 11, 2),
            amount_minor=45000,
            currency="EUR",
            name="María López",
            text="Factura 2026-00042",
            reference="B1",
        ),
        Entry(booked_on=date(2026, 11, 3), amount_minor=-1250, currency="EUR", text="Comisión"),
    ]
    assert [problem.line for problem in found.problems] == [3]


def test_an_entry_out_of_time_is_a_line_that_cannot_be_read():
    found = camt.read(OLD.replace("<Dt>2026-11-02</Dt>", "<Dt>0001-01-01</Dt>").encode())

    assert [entry.booked_on for entry in found.entries] == [date(2026, 11, 3)]
    assert "lies too far away" in found.problems[0].message


def test_statements_of_several_accounts_are_refused():
    """Lines of one would be taken for lines of the other."""
    statement = OLD[OLD.index("<Stmt>") : OLD.index("</Stmt>") + len("</Stmt>")]
    second = OLD.replace("</Stmt>", f"</Stmt>{statement}", 1)
    assert len(camt.read(second.encode()).entries) == 4

    with pytest.raises(Invalid, match="several accounts"):
        camt.read(second.replace("332<", "340<", 1).encode())


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><Document>&b;</Document>'
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Document>&f;</Document>'
REMOTE = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><Document/>'


@pytest.mark.parametrize("text", [BOMB, FILE, REMOTE, "<!DOCTYPE x><Document/>"])
def test_a_document_type_is_refused_so_no_entity_can_be_declared(text):
    with pytest.raises(Invalid, match="document type"):
        camt.read(text.encode())


@pytest.mark.parametrize(
    "text",
    ["<Document/>", "<html></html>", "<Document>", "<", "<a>&b;</a>", "<a>" * 50 + "</a>" * 50],
)
def test_what_is_no_statement_is_refused(text):
    with pytest.raises(Invalid):
        camt.read(text.encode())


def test_an_unknown_encoding_is_refused():
    with pytest.raises(Invalid):
        camt.read(b'<?xml version="1.0" encoding="klingon"?><Document/>')


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (('Ccy="EUR"', 'Ccy="XXX"'), 3),
        (("450.00", "NaN"), 2),
        (("450.00", "-5"), 2),
        (("450.00", "Infinity"), 2),
        (("2026-11-02", "soon"), 2),
    ],
)
def test_entries_that_make_no_sense_are_problems(change, problems):
    assert len(camt.read(OLD.replace(*change).encode()).problems) == problems


# Fingerprints -----------------------------------------------------------------------------------


def entry(**changes):
    values = {"booked_on": date(2026, 11, 2), "amount_minor": 500, "currency": "USD"}
    return Entry(**(values | {"text": "Lunch"} | changes))


def test_two_entries_that_read_the_same_are_two():
    first, second = fingerprints([entry(), entry()])

    assert first != second
    assert fingerprints([entry(text="  LUNCH ")]) == [first]


def test_the_banks_own_number_tells_entries_apart_whatever_their_words():
    one, other = fingerprints([entry(reference="B1"), entry(reference="B2")])

    assert one != other
    assert fingerprints([entry(reference="B1", text="Other words")]) == [one]


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12), st.integers(0, 12))
def test_a_file_that_overlaps_finds_every_entry_again(texts, cut):
    """A later file that holds the same days as a whole has the same marks for them."""
    entries = [entry(text=text) for text in texts]

    assert set(fingerprints(entries[:cut])) <= set(fingerprints(entries))
    assert len(set(fingerprints(entries))) == len(entries)
