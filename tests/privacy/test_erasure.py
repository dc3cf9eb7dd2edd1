"""What goes when a person is erased, what stays, and when it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps.activities.models import Activity, SignUp
from apps.events.models import StoredEventRow
from apps.fees.models import FamilyLink, Invoice, Receipt
from apps.fees.services import links
from apps.fees.tests import factories as make
from apps.identity import facade as identity
from apps.identity.models import AuditEntry, User
from apps.payments.models import GatewayAccount, Payment, ProviderEvent
from apps.students.models import FamilyImport, Guardian, Guardianship, Student
from apps.students.services import imports
from apps.students.tests.factories import GuardianFactory, StudentFactory
from apps.tenants.facade import privacy
from apps.website.models import Document, NewsPost, StaffEntry
from kernel.schools import today

REASON = "asked by letter"
ADMIN = "admin@example.org"


def erase(person: Any) -> Any:
    return privacy.erase_person(person, actor=ADMIN, reason=REASON)


def texts(rows: Any) -> str:
    return " | ".join(row.what for row in rows)


# What goes and what stays


def test_of_a_guardian_only_the_name_in_the_books_stays(maria, person_of, where_is):
    erase(person_of(guardian=maria.guardian.pk))

    assert where_is("maria@example.org") == {}
    assert where_is("555 0101") == {}
    assert set(where_is("Maria Lopez")) == {"fees_receipt", "payments_payment"}


def test_what_the_gateway_was_told_and_said_goes(maria, person_of, where_is):
    payment = Payment.objects.get()
    account = GatewayAccount.objects.create(provider="stripe", mode="test", label="Card")
    Payment.objects.update(
        payer_email="maria@example.org",
        request={"payer_email": "maria@example.org"},
        hosted_url="https://pay.example/maria@example.org",
    )
    ProviderEvent.objects.create(
        account=account,
        event_id="evt_1",
        event_type="charge.succeeded",
        body='{"email": "maria@example.org"}',
        received_at=timezone.now(),
        state=ProviderEvent.PROCESSED,
        payment_id=payment.pk,
    )

    erase(person_of(guardian=maria.guardian.pk))

    assert where_is("maria@example.org") == {}


def test_a_payment_that_was_never_paid_loses_its_payer(maria, person_of):
    Payment.objects.update(captured_at=None, captured_minor=0, status="cancelled")

    erase(person_of(guardian=maria.guardian.pk))

    assert Payment.objects.get().payer_name.startswith("erased-")


def test_of_a_student_only_the_name_on_invoices_stays(maria, person_of, where_is):
    name, number = str(maria.child), maria.child.number
    born = maria.child
    born.date_of_birth = today() - timedelta(days=3000)
    born.save()

    erase(person_of(student=maria.child.pk))

    assert set(where_is(name)) == {"fees_invoice"}
    assert where_is(number) == {}
    assert where_is(born.date_of_birth.isoformat()) == {}


def test_what_stays_is_named_with_its_reason_and_its_day(maria, person_of):
    result = erase(person_of(guardian=maria.guardian.pk))

    kept = {row.what: row for row in result.kept}
    receipt = kept["Receipts with the payer's name"]
    assert (receipt.count, receipt.until) == (1, today().replace(today().year + 10, 12, 31))
    assert "law" in receipt.why


def test_nobody_in_the_books_means_no_row_at_all(school, person_of):
    guardian = GuardianFactory(name="Passing By", email="by@example.org")

    erase(person_of(guardian=guardian.pk))

    assert not Guardian.objects.filter(pk=guardian.pk).exists()


def test_a_nameless_row_stays_where_the_books_point(maria, person_of, client_for):
    erase(person_of(student=maria.child.pk))

    row = Student.objects.get(pk=maria.child.pk)
    assert row.number.startswith("erased-")
    assert row.date_of_birth is None
    ledger = reverse("fees:student_ledger", args=[row.pk])
    assert "Erased student" in client_for("bursar").get(ledger).content.decode()
    page = client_for("admin").get(f"/portal/students/{row.pk}/").content.decode()
    assert "Erased student" in page
    assert "Export data" not in page


def test_sign_in_sessions_and_links_end(maria, person_of, client_for, anonymous):
    path = links.family_link_path(guardian_id=maria.guardian.pk)
    parent = anonymous()
    assert parent.get(path, follow=True).status_code == 200

    erase(person_of(guardian=maria.guardian.pk))

    assert not User.objects.filter(email="maria@example.org").exists()
    assert not FamilyLink.objects.filter(guardian_id=maria.guardian.pk).exists()
    assert "Fee 1" not in parent.get("/family/", follow=True).content.decode()
    assert "Fee 1" not in anonymous().get(path, follow=True).content.decode()


def test_a_guardian_of_several_children_leaves_them_and_the_other_parent_alone(maria, person_of):
    father = GuardianFactory(name="Juan Ruiz", email="juan@example.org")
    sister = StudentFactory(
        household=maria.child.household,
        school_class=make.make_class("5C"),
        guardians=[maria.guardian, father],
    )

    erase(person_of(guardian=maria.guardian.pk))

    assert [tie.guardian for tie in Guardianship.objects.filter(student=sister)] == [father]
    assert Student.objects.filter(pk=sister.pk, number=sister.number).exists()
    assert Guardian.objects.filter(email="juan@example.org").exists()


def test_a_childs_sign_ups_go_and_a_guardians_name_on_them(maria, person_of):
    start = timezone.now() - timedelta(days=9)
    trip = Activity.objects.create(
        title="Museum", starts_at=start, ends_at=start, currency="USD", status="published"
    )
    other = StudentFactory()
    values = {"activity": trip, "status": "confirmed", "guardian_id": maria.guardian.pk}
    SignUp.objects.create(**values, student_id=maria.child.pk, position=1, note="asthma")
    SignUp.objects.create(**values, student_id=other.pk, position=2)

    erase(person_of(student=maria.child.pk))
    erase(person_of(guardian=maria.guardian.pk))

    left = SignUp.objects.get()
    assert (left.student_id, left.guardian_id) == (other.pk, None)


def test_a_waiting_import_file_that_names_the_person_is_dropped(maria, person_of, where_is):
    csv = (
        "student_number,first_name,last_name,class,guardian_1_name,guardian_1_email\n"
        "S9,Bo,Lopez,3A,Maria Lopez,maria@example.org\n"
    )
    imports.check_families_file(content=csv.encode(), file_name="f.csv", actor="office")

    erase(person_of(guardian=maria.guardian.pk))

    assert not FamilyImport.objects.exists()


def test_old_values_in_an_import_record_are_struck_out(maria, person_of, where_is):
    record = FamilyImport.objects.create(
        file_name="f.csv",
        sha256="0",
        state="imported",
        effects={
            "created": {},
            "before": {"guardian": {str(maria.guardian.pk): {"email": "mlopez@example.org"}}},
        },
        problems=[
            {"line": 2, "column": "e-mail", "reason": "maria@example.org is used twice"},
            {"line": 3, "column": "class", "reason": "missing"},
        ],
    )

    erase(person_of(guardian=maria.guardian.pk))

    record.refresh_from_db()
    assert record.effects["before"] == {"guardian": {}}
    assert [row["line"] for row in record.problems] == [3]


def test_staff_leave_the_site_and_the_trail_keeps_a_pseudonym(
    school, person_of, client_for, where_is
):
    client_for("admin")
    staff = identity.create_user(
        email="tom@example.org", name="Tom Hall", password="correct horse battery", roles=["office"]
    )
    identity.record_audit(
        actor="tom@example.org",
        action="students.student_added",
        subject="Bo Lopez",
        detail={"by": "tom@example.org", "n": 1},
    )
    User.objects.filter(pk=staff.id).update(is_active=False)
    StaffEntry.objects.create(name="Tom Hall", position="Office", email="tom@example.org")
    NewsPost.objects.create(slug="n", title="News", body="b", author_name="Tom Hall")
    Document.objects.create(
        title="Menu",
        file="x",
        content_type="x",
        extension="pdf",
        size_bytes=1,
        uploaded_by="tom@example.org",
    )

    result = erase(person_of(user=staff.id))

    assert where_is("tom@example.org") == {}
    assert where_is("Tom Hall") == {}
    assert NewsPost.objects.get(slug="n").author_name == ""

    entry = AuditEntry.objects.get(action="students.student_added")
    assert entry.actor == result.pseudonym
    assert entry.detail == {"by": result.pseudonym, "n": 1}
    assert entry.subject == "Bo Lopez"


def test_books_past_their_time_lose_the_name_too(maria, person_of, where_is):
    long_ago = timezone.now() - timedelta(days=12 * 366)
    Invoice.objects.update(issued_on=long_ago.date())
    Receipt.objects.update(paid_at=long_ago)
    Payment.objects.update(captured_at=long_ago)

    erase(person_of(guardian=maria.guardian.pk))
    erase(person_of(student=maria.child.pk))

    assert where_is("Maria Lopez") == {}
    assert where_is(str(maria.child)) == {}


def test_new_stories_of_payments_name_nobody(maria, where_is):
    assert StoredEventRow.objects.filter(event_type="payments.initiated").exists()
    assert "stored_event" not in where_is("Maria Lopez")


def test_an_old_story_that_names_the_payer_is_told_to_stay(maria, person_of):
    payment = Payment.objects.get()
    StoredEventRow.objects.create(
        stream_id=payment.pk,
        version=99,
        event_type="payments.refund_requested",
        schema_version=1,
        payload={"reason": "Maria Lopez asked for it"},
    )

    result = erase(person_of(guardian=maria.guardian.pk))

    assert "Stories of payments that name the payer" in texts(result.kept)
