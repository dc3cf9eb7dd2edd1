"""The bank as the third way: statements imported once, payouts tied, transfers recorded, returned
cheques taken back, and everything undone by contra entries."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.fees.services import bank
from apps.fees.services import counter as fees_counter
from apps.fees.tests import factories as make
from apps.identity.models import AuditEntry
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import BankStatement, LineTie, Payment, Payout, StatementLine
from apps.payments.services import privacy
from apps.payments.services.accounts import create_sandbox_account
from apps.payments.services.bank import importing, matching
from kernel.errors import Conflict, Invalid
from kernel.schools import today

STATEMENTS = "/portal/payments/statements/"
LINES = "/portal/fees/bank/"


@pytest.fixture
def bursar(client_for):
    return client_for("bursar")


@pytest.fixture
def family(school):
    """Maria Lopez, two children, 450.00 owed for each."""
    room = make.make_class()
    family = make.make_family(room, children=2, email="maria@example.org")
    make.bill(room)
    return family


def csv(*rows):
    return "\n".join(["Date,Amount,Name,Description", *rows]).encode()


def row(amount, *, name="", text="", on=None):
    return f'{on or today()},{amount},"{name}","{text}"'


def imported(*rows):
    statement = importing.upload(
        csv(*rows), file_name="bank.csv", account_ref="main", preset="iso", actor="bursar"
    )
    return importing.keep(statement.pk, actor="bursar@example.org")


def line():
    return StatementLine.objects.get()


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def number_of(child):
    return make.owed(child)[0].number


def name_of(child):
    return f"{child.first_name} {child.last_name}"


def balance(child):
    return sum(invoice.balance_minor for invoice in make.owed(child))


# Importing --------------------------------------------------------------------------------------


def test_a_file_is_looked_at_first_and_then_imported(bursar, school):
    content = csv(row("450.00", text="Lopez"), row("x"), row("-3", text="Fee"))
    file = SimpleUploadedFile("november.csv", content)

    looked = bursar.post(
        STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""}, follow=True
    )

    page = text(looked)
    assert "2 new lines would be imported. Nothing has been changed yet." in page
    assert "Line 3: “x” is not an amount." in page
    assert StatementLine.objects.count() == 0
    statement = BankStatement.objects.get()
    done = bursar.post(f"{STATEMENTS}{statement.pk}/import/", follow=True)
    assert "2 lines imported." in text(done)
    assert sorted(StatementLine.objects.values_list("amount_minor", flat=True)) == [-300, 45000]
    statement.refresh_from_db()
    assert (bytes(statement.content), statement.bad_count) == (b"", 1)
    assert AuditEntry.objects.filter(action="payments.statement_imported").count() == 1


def test_the_columns_can_be_chosen_in_the_preview(bursar, school):
    content = f"when;what;how much\n{today()};Lopez;450,00\n".encode()
    file = SimpleUploadedFile("odd.csv", content)
    answer = bursar.post(
        STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""}, follow=True
    )
    statement = BankStatement.objects.get()
    assert "0 new lines" in text(answer)

    layout = {"delimiter": ";", "decimal": ",", "dates": "iso"}
    columns = {"col_date": "0", "col_text": "1", "col_amount": "2"}
    again = bursar.post(f"{STATEMENTS}{statement.pk}/layout/", layout | columns, follow=True)

    assert "1 new line would be imported." in text(again)
    bad = bursar.post(
        f"{STATEMENTS}{statement.pk}/layout/", layout | {"col_date": "x"}, follow=True
    )
    assert "This layout is not known." in text(bad)


def test_the_same_file_and_lines_that_overlap_are_imported_once(school):
    lunch = row("5.00", text="Lunch")
    first = imported(row("450.00", text="Lopez"), lunch, lunch)
    again = imported(row("450.00", text="Lopez"), lunch, lunch)
    more = imported(lunch, row("450.00", text="Lopez"), lunch, lunch, row("7", text="New"))

    assert [(s.line_count, s.known_count) for s in (first, again, more)] == [(3, 0), (0, 3), (2, 3)]
    assert StatementLine.objects.filter(text="Lunch").count() == 3
    assert importing.same_file(again) == first


def test_another_bank_account_has_lines_of_its_own(school):
    imported(row("5.00", text="Lunch"))
    other = importing.upload(
        csv(row("5.00", text="Lunch")), file_name="b", account_ref="b", preset="iso", actor="b"
    )
    importing.keep(other.pk, actor="bursar")

    assert StatementLine.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "submitted file is empty"),
        (b"   \n", "The file is empty."),
        (b"PK\x03\x04workbook", "This is an Excel workbook."),
        (b"x" * (2 * 1024 * 1024 + 1), "at most 2 MB"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Document>&a;</Document>', "document type"),
        (b"<Document/>", "not a CAMT.053 statement"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_reason(bursar, school, content, why):
    file = SimpleUploadedFile("f.csv", content)

    answer = bursar.post(STATEMENTS, {"file": file, "preset": "iso", "account_ref": ""})

    assert (answer.status_code, why in text(answer)) == (422, True)
    assert BankStatement.objects.count() == 0


def test_a_statement_is_dealt_with_once(bursar, school):
    statement = imported(row("5.00"))
    with pytest.raises(Conflict):
        importing.keep(statement.pk, actor="bursar")
    refused = bursar.post(f"{STATEMENTS}{statement.pk}/discard/", follow=True)
    assert "has been dealt with already" in text(refused)


def test_a_discarded_file_leaves_nothing(bursar, school):
    statement = importing.upload(
        csv(row("5.00")), file_name="f", account_ref="", preset="iso", actor="bursar"
    )
    bursar.post(f"{STATEMENTS}{statement.pk}/discard/")

    statement.refresh_from_db()
    assert (statement.state, bytes(statement.content)) == ("discarded", b"")
    assert "Nothing was imported" in text(bursar.get(f"{STATEMENTS}{statement.pk}/"))


# Payouts ----------------------------------------------------------------------------------------


def payout(net=19245, *, days=0, descriptor="HOMEROOM SANDBOX", number="po_1"):
    account = models.GatewayAccount.objects.get(pk=create_sandbox_account().id)
    return Payout.objects.create(
        account=account,
        payout_id=number,
        status="paid",
        currency="USD",
        net_minor=net,
        descriptor=descriptor,
        arrives_on=today() + timedelta(days=days),
        made_at=timezone.now(),
    )


def test_a_payout_is_found_by_itself(bursar, school):
    made = payout()

    imported(row("192.45", text="STRIPE TRANSFER"))

    assert line().state == "matched"
    assert LineTie.objects.get().payout_id == made.pk
    assert "Found" in text(bursar.get("/portal/payments/payouts/"))
    assert "STRIPE TRANSFER" in text(bursar.get(f"/portal/payments/payouts/{made.pk}/"))


@pytest.mark.parametrize(
    ("change", "days"), [({"net": 19244}, 0), ({"days": 3}, 0), ({"days": -8}, 0)]
)
def test_another_sum_or_another_time_is_no_payout(school, change, days):
    payout(**change)
    imported(row("192.45"))

    assert line().state == "open"


def test_of_two_that_fit_the_words_decide(school):
    payout(number="po_1", descriptor="FIRST")
    second = payout(number="po_2", descriptor="SECOND")

    imported(row("192.45", text="PAYMENT SECOND 77"))

    assert LineTie.objects.get().payout_id == second.pk


def test_of_two_that_fit_and_say_nothing_none_is_taken(school):
    payout(number="po_1")
    payout(number="po_2")
    imported(row("192.45", text="TRANSFER"))

    assert line().state == "open"


def test_two_lines_for_one_payout_wait_for_a_person(school):
    payout()
    imported(row("192.45", text="A"), row("192.45", text="B"))

    assert set(StatementLine.objects.values_list("state", flat=True)) == {"open"}


def test_a_payout_is_untied_and_tied_to_nothing_twice(school):
    payout()
    imported(row("192.45"))
    matching.undo(line().pk, actor="bursar")

    assert (line().state, LineTie.objects.get().undone_by) == ("open", "bursar")
    assert matching.tie_payouts() == 0, "parted by a person, and not put together again"


def test_a_payout_of_practice_is_no_money_of_a_school_that_takes_real_money(school):
    payout()
    account = models.GatewayAccount.objects.get()
    models.GatewayAccount.objects.create(provider=account.provider, label="Real", mode=models.LIVE)
    imported(row("192.45"))

    assert line().state == "open"


# Transfers of families --------------------------------------------------------------------------


def ticked(line_id):
    """The box beside a line as the page shows it now."""
    suggestion = bank.suggestions([payments.bank_line(line_id)]).get(line_id)
    return {line_id: [invoice.id for invoice in suggestion.invoices] if suggestion else []}


def box(line_id):
    [(key, shown)] = ticked(line_id).items()
    return ":".join(map(str, [key, *shown]))


def confirmed():
    return bank.confirm(ticked(line().pk), actor="bursar")


def suggested():
    return bank.suggestions(payments.bank_lines(state="open"))


def test_a_number_of_an_invoice_and_its_sum_is_a_sure_suggestion(bursar, family, drain):
    number = number_of(family.child)
    imported(row("450.00", name="M LOPEZ", text=f"Payment {number} thanks"))
    [suggestion] = suggested().values()
    assert (suggestion.sure, [i.number for i in suggestion.invoices]) == ("exact", [number])
    page = bursar.get(LINES)
    assert "checked" in page.content.decode()
    assert number in text(page)

    done = bursar.post(f"{LINES}confirm/", {"line": box(line().pk)}, follow=True)

    assert "1 line recorded." in text(done)
    drain()
    assert (balance(family.child), balance(family.children[1])) == (0, 45000)
    payment = Payment.objects.get()
    assert (payment.method, payment.captured_minor) == ("transfer", 45000)
    assert payment.payer_id == family.guardian.pk
    assert (line().state, LineTie.objects.get().payment_id) == ("matched", payment.pk)


def test_one_transfer_for_two_children(family, drain):
    numbers = [number_of(child).replace("-", "") for child in family.children]
    imported(row("900.00", text=" and ".join(numbers)))

    assert bank.confirm(ticked(line().pk), actor="bursar") == (1, [])

    drain()
    assert [balance(child) for child in family.children] == [0, 0]
    assert sorted(LineTie.objects.values_list("amount_minor", flat=True)) == [45000, 45000]


def test_another_sum_is_suggested_and_not_ticked(bursar, family, drain):
    imported(row("500.00", text=number_of(family.child)))

    assert suggested()[line().pk].sure == "named"
    assert "checked" not in bursar.get(LINES).content.decode()
    bank.confirm(ticked(line().pk), actor="bursar")
    drain()

    assert balance(family.child) == 0
    assert Payment.objects.get().captured_minor == 50000


def test_a_name_and_the_very_sum_are_suggested(family):
    imported(row("450.00", text=f"School fees of {name_of(family.child)}"))

    [invoice] = suggested()[line().pk].invoices
    assert invoice.student_id == family.child.pk


@pytest.mark.parametrize(
    ("amount", "words"), [("450.00", "Rent"), ("-450.00", "2026-00001"), ("450.00", "9999-99999")]
)
def test_nothing_is_suggested_for_what_says_nothing(family, amount, words):
    imported(row(amount, text=words))

    assert suggested() == {}


def test_what_is_paid_meanwhile_is_no_suggestion_any_more(family, drain):
    imported(row("450.00", text=number_of(family.child)))
    invoice = make.owed(family.child)[0]
    make.pay(family, [(invoice.id, invoice.balance_minor)])
    drain()

    done, problems = bank.confirm(ticked(line().pk), actor="bursar")

    assert (done, len(problems), line().state) == (0, 1, "open")


def test_a_line_is_recorded_once_however_often_it_is_confirmed(family, drain):
    imported(row("450.00", text=number_of(family.child)))
    part = [bank.Part(student_id=family.child.pk, amount_minor=45000)]
    bank.record(line().pk, part, actor="bursar")

    with pytest.raises(Conflict):
        bank.record(line().pk, part, actor="admin")

    drain()
    assert (Payment.objects.count(), LineTie.objects.count()) == (1, 1)


def test_what_broke_off_half_way_is_finished_and_not_doubled(bursar, family, drain, monkeypatch):
    """The worker dies after the first of two payments."""
    imported(row("900.00"))
    parts = [bank.Part(student_id=c.pk, amount_minor=45000) for c in family.children]
    real, calls = bank._record_part, []

    def dies(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(bank, "_record_part", dies)
    with pytest.raises(KeyboardInterrupt):
        bank.record(line().pk, parts, actor="bursar")
    monkeypatch.setattr(bank, "_record_part", real)
    assert (Payment.objects.count(), line().state) == (1, "open")
    other = [bank.Part(student_id=family.child.pk, amount_minor=90000)]
    with pytest.raises(Conflict, match="in another way"):
        bank.record(line().pk, other, actor="bursar")
    assert "Begun and not finished" in text(bursar.get(LINES))

    bursar.post(f"{LINES}{line().pk}/go-on/")

    drain()
    assert (Payment.objects.count(), line().state) == (2, "matched")
    assert [balance(child) for child in family.children] == [0, 0]


def test_the_plan_of_a_line_that_is_partly_recorded_stays(family, drain, monkeypatch):
    """Without it the line could be recorded in another way, and a part of it twice."""
    imported(row("900.00"))
    parts = [bank.Part(student_id=c.pk, amount_minor=45000) for c in family.children]
    real, calls = bank._record_part, []

    def second_dies(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(bank, "_record_part", second_dies)
    with pytest.raises(KeyboardInterrupt):
        bank.record(line().pk, parts, actor="bursar")

    def refused(*_given):
        raise Conflict("A payment by card is under way.")

    monkeypatch.setattr(bank, "_record_part", refused)
    with pytest.raises(Conflict, match="under way"):
        bank.go_on(line().pk, actor="bursar")
    assert line().plan is not None

    monkeypatch.setattr(bank, "_record_part", real)
    other = [bank.Part(student_id=family.child.pk, amount_minor=90000)]
    with pytest.raises(Conflict, match="in another way"):
        bank.record(line().pk, other, actor="bursar")
    bank.go_on(line().pk, actor="bursar")
    assert sorted(Payment.objects.values_list("captured_minor", flat=True)) == [45000, 45000]


def test_what_broke_off_is_finished_with_the_payers_it_was_begun_with(family, monkeypatch):
    """Another guardian would be another payment under the same key."""
    imported(row("450.00"))
    real = matching.tie
    monkeypatch.setattr(matching, "tie", broken)
    with pytest.raises(KeyboardInterrupt):
        part = bank.Part(student_id=family.child.pk, amount_minor=45000)
        bank.record(line().pk, [part], actor="bursar")
    monkeypatch.setattr(matching, "tie", real)
    monkeypatch.setattr(bank, "_payer", lambda _line, student_id: student_id)

    bank.go_on(line().pk, actor="bursar")

    assert (Payment.objects.get().payer_id, line().state) == (family.guardian.pk, "matched")


def test_a_line_is_split_by_hand(bursar, family, drain):
    imported(row("600.00", text="School"))
    first, second = family.children
    url = f"{LINES}{line().pk}/?q={first.last_name}"
    assert name_of(first) in text(bursar.get(url))
    wrong = bursar.post(url, {f"amount-{first.pk}": "100", f"amount-{second.pk}": "100"})
    assert (wrong.status_code, "do not make up the amount" in text(wrong)) == (422, True)
    bad = bursar.post(url, {f"amount-{first.pk}": "much"})
    assert (bad.status_code, "is not an amount" in text(bad)) == (422, True)

    bursar.post(url, {f"amount-{first.pk}": "450", f"amount-{second.pk}": "150.00"})

    drain()
    assert [balance(child) for child in family.children] == [0, 30000]


@pytest.mark.parametrize(
    ("amounts", "why"),
    [
        ([45000, 45001], "do not make up"),
        ([90000, 0], "more than zero"),
        ([100000, -10000], "more than zero"),
        ([], "more than zero"),
    ],
)
def test_parts_that_make_no_sense_are_refused(family, amounts, why):
    imported(row("900.00"))
    parts = [
        bank.Part(student_id=child.pk, amount_minor=amount)
        for child, amount in zip(family.children, amounts, strict=False)
    ]

    with pytest.raises(Invalid, match=why):
        bank.record(line().pk, parts, actor="bursar")
    assert (line().plan, Payment.objects.count()) == (None, 0)


def test_a_line_is_left_out_with_a_reason_and_opened_again(bursar, school):
    imported(row("12.00", text="Interest"))
    url = f"{LINES}{line().pk}"
    assert "Say why" in text(bursar.post(f"{url}/ignore/", {}, follow=True))

    bursar.post(f"{url}/ignore/", {"reason": "Interest of the bank"})

    assert (line().state, line().reason) == ("ignored", "Interest of the bank")
    assert "Interest of the bank" in text(bursar.get(f"{LINES}?state=ignored"))
    bursar.post(f"{url}/undo/")
    assert line().state == "open"


def test_a_match_is_undone_by_contra_and_can_be_made_otherwise(bursar, family, drain):
    imported(row("450.00", text=number_of(family.child)))
    bank.confirm(ticked(line().pk), actor="bursar")
    drain()
    first = Payment.objects.get()

    bursar.post(f"{LINES}{line().pk}/undo/")
    drain()

    assert (line().state, line().plan) == ("open", None)
    assert balance(family.child) == 45000
    first.refresh_from_db()
    assert (first.captured_minor, first.refunded_minor) == (45000, 45000)
    part = [bank.Part(student_id=family.children[1].pk, amount_minor=45000)]
    bank.record(line().pk, part, actor="bursar")
    drain()
    assert [balance(child) for child in family.children] == [45000, 0]
    assert LineTie.objects.filter(undone_at=None).count() == 1


def test_a_match_of_which_a_part_was_given_back_stays(bursar, family, drain):
    """The whole line would be open again, and the part that is gone be recorded once more."""
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    payments.request_refund(
        payment_id=Payment.objects.get().pk,
        amount_minor=5000,
        reason="Too much",
        actor="bursar",
        idempotency_key="a part",
    )

    answer = bursar.post(f"{LINES}{line().pk}/undo/", follow=True)

    assert "A part of this payment was given back already" in text(answer)
    assert (line().state, models.Refund.objects.count()) == ("matched", 1)


def test_an_undone_match_is_owed_again_at_once(bursar, family, drain):
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    drain()

    bursar.post(f"{LINES}{line().pk}/undo/")

    assert balance(family.child) == 45000, "before any worker comes"


# Returned cheques -------------------------------------------------------------------------------


def cheque(family, method="cheque"):
    return fees_counter.record_payment(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        student_id=family.child.pk,
        amount_minor=45000,
        method=method,
        received_on=today(),
        note="",
        actor="bursar",
        key=str(uuid4()),
    )


def test_a_bounced_cheque_is_suggested_and_taken_back(bursar, family, drain):
    payment_id = cheque(family)
    drain()
    assert balance(family.child) == 0
    imported(row("-450.00", text="CHEQUE RETURNED"))
    assert "seems to take back a payment of Maria Lopez" in text(bursar.get(LINES))

    url = f"{LINES}{line().pk}/returned/{payment_id}/"
    bursar.post(url)
    bursar.post(url)
    drain()

    assert balance(family.child) == 45000
    payment = Payment.objects.get()
    assert (payment.captured_minor, payment.refunded_minor) == (45000, 45000)
    [refund] = payment.refunds.all()
    assert refund.reason == f"Returned by the bank on {today()}"
    assert (line().state, LineTie.objects.get().kind) == ("matched", "reversal")
    with pytest.raises(Conflict, match="cannot come back"):
        matching.undo(line().pk, actor="bursar")


def test_the_family_is_not_told_of_a_refund_when_a_cheque_bounced(family, drain):
    payment_id = cheque(family)
    drain()
    imported(row("-450.00", text="CHEQUE RETURNED"))
    matching.take_back(line().pk, payment_id, actor="bursar")
    drain()

    letter = Message.objects.get(kind="refund")
    assert "payment of $450.00 taken back" in letter.subject
    for words in (letter.body_text, letter.body_html):
        assert "What it paid for is owed again." in words
        assert "we sent" not in words


def test_cash_and_other_sums_do_not_bounce(family, drain):
    cheque(family, method="cash")
    drain()
    imported(row("-450.00", text="OUT"), row("-12.00", text="OUT"))

    assert all(one.returns_payment is None for one in payments.bank_lines(state="open"))


def test_what_broke_off_while_it_was_taken_back_is_finished(bursar, family, drain, monkeypatch):
    payment_id = cheque(family)
    drain()
    imported(row("-450.00", text="CHEQUE RETURNED"))
    real = matching.tie
    monkeypatch.setattr(matching, "tie", broken)
    with pytest.raises(KeyboardInterrupt):
        bank.take_back(line().pk, payment_id, actor="bursar")
    monkeypatch.setattr(matching, "tie", real)
    assert (line().state, models.Refund.objects.count()) == ("open", 1)
    assert "Finish it" in text(bursar.get(LINES))

    done = bursar.post(f"{LINES}{line().pk}/go-on/", follow=True)

    assert "It is finished now." in text(done)
    assert (line().state, models.Refund.objects.count()) == ("matched", 1)
    assert balance(family.child) == 45000
    again = bursar.post(f"{LINES}{line().pk}/go-on/", follow=True)
    assert "dealt with already" in text(again)


def broken(*_given, **_more):
    """The worker dies."""
    raise KeyboardInterrupt


def test_another_payment_than_the_line_says_is_refused(family, drain):
    payment_id = cheque(family)
    drain()
    imported(row("-449.00"))

    with pytest.raises(Invalid):
        matching.take_back(line().pk, payment_id, actor="bursar")
    assert line().plan is None


# Around -----------------------------------------------------------------------------------------


def test_suggestions_take_a_fixed_number_of_queries(family):
    numbers = [number_of(child) for child in family.children]
    counts = []
    for size in (2, 60):
        imported(*(row("450.00", text=f"{numbers[n % 2]} no {n}") for n in range(size)))
        with CaptureQueriesContext(connection) as captured:
            found = suggested()
        assert len(found) == StatementLine.objects.count()
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 6


def test_an_erasure_takes_the_name_from_lines_that_paid_for_nothing(family, drain):
    imported(
        row("450.00", name="Maria Lopez", text=number_of(family.child)),
        row("5.00", name="MARIA LOPEZ", text="Gift"),
    )
    bank.confirm(ticked(StatementLine.objects.get(amount_minor=45000).pk), actor="bursar")
    drain()

    assert privacy.strike_bank_names("Maria Lopez") == 1

    kept, struck = StatementLine.objects.order_by("-amount_minor")
    assert (kept.name, struck.name, struck.text) == ("Maria Lopez", "–", "–")
    assert list(privacy.bank_lines_of([family.guardian.pk])) == [kept]


def test_a_file_that_nobody_came_back_to_is_emptied(school):
    statement = importing.upload(
        csv(row("5.00")), file_name="f", account_ref="", preset="iso", actor="bursar"
    )

    assert privacy.empty_statements([statement.pk]) == 1

    statement.refresh_from_db()
    assert (statement.state, bytes(statement.content)) == ("discarded", b"")


def test_empty_pages_say_what_to_do(bursar, school):
    assert "Download one from your bank" in text(bursar.get(STATEMENTS))
    assert "They appear when a bank statement is imported" in text(bursar.get(LINES))
    assert "Tick the lines to record." in text(bursar.post(f"{LINES}confirm/", follow=True))
    bad = bursar.post(f"{LINES}confirm/", {"line": "nonsense"}, follow=True)
    assert "Tick the lines to record." in text(bad)


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_only_those_who_handle_money_may(client_for, school, role):
    imported(row("5.00"))
    client = client_for(role)

    assert client.get(STATEMENTS).status_code == 403
    assert client.get(LINES).status_code == 403
    assert client.post(f"{LINES}{line().pk}/ignore/", {"reason": "x"}).status_code == 403
    assert line().state == "open"


# Recorded before its line came ------------------------------------------------------------------


def at_the_counter(family, amount=45000):
    invoice = make.owed(family.child)[0]
    payment_id = make.pay(family, [(invoice.id, amount)], method="transfer")
    return Payment.objects.get(pk=payment_id)


def test_what_was_entered_at_the_counter_is_tied_and_not_recorded_again(bursar, family, drain):
    number = number_of(family.child)
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text=number))

    assert bank.confirm(ticked(line().pk), actor="bursar")[0] == 0
    page = bursar.get(f"{LINES}{line().pk}/")
    assert "Recorded already?" in text(page)
    done = bursar.post(f"{LINES}{line().pk}/recorded/{paid.pk}/", follow=True)

    assert "Nothing was recorded anew" in text(done)
    assert Payment.objects.count() == 1
    assert (line().state, LineTie.objects.get().kind) == ("matched", "recorded")


def test_undoing_such_a_tie_reverses_nothing(family, drain):
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text="Fees"))
    payments.tie_recorded_payment(line().pk, paid.pk, actor="bursar")

    bank.undo(line().pk, actor="bursar")

    paid.refresh_from_db()
    assert (line().state, paid.refunded_minor) == ("open", 0)


def test_a_payment_is_one_line_only_and_of_its_amount(family, drain):
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text="Fees"), row("200.00", text="Fees again"), row("9.00", text="Tea"))
    first, second = StatementLine.objects.filter(amount_minor=20000).order_by("id")
    other = StatementLine.objects.get(amount_minor=900)
    payments.tie_recorded_payment(first.pk, paid.pk, actor="bursar")

    with pytest.raises(Conflict):
        payments.tie_recorded_payment(second.pk, paid.pk, actor="bursar")
    payments_left = payments.recorded_like_bank_line(second.pk)
    assert list(payments_left) == []
    with pytest.raises((Invalid, Conflict)):
        payments.tie_recorded_payment(other.pk, paid.pk, actor="bursar")


def test_what_was_shown_is_what_is_recorded(family):
    imported(row("450.00", text=number_of(family.child)))

    done, [problem] = bank.confirm({line().pk: [family.child.pk]}, actor="bursar")

    assert (done, Payment.objects.count()) == (0, 0)
    assert "has changed" in problem
