"""Activities count as a category of the school's choice: in reports, and for the account."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.fees.models import FeeCategory
from apps.fees.selectors import accounts, invoices
from apps.fees.selectors.aging import aging
from apps.fees.selectors.takings import takings
from apps.fees.services import catalogue
from apps.fees.services.activities import bill_activity
from apps.fees.tests import factories as make
from apps.payments.contracts import REAL_MONEY
from apps.payments.models import GatewayAccount, new_webhook_key
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.schools import today

URL = reverse("fees:category_of_activities")


@pytest.fixture
def trips(account):
    """A category whose money goes to an account of its own."""
    row = GatewayAccount.objects.get()
    row.pk, row._state.adding, row.is_default = uuid7(), True, False
    row.webhook_key = new_webhook_key()
    row.save()
    return FeeCategory.objects.create(name="Trips abroad", position=9, account_id=row.pk)


@pytest.fixture
def museum(family):
    """The invoice of an activity for 30.00."""
    return bill_activity(
        signup_id=uuid4(),
        activity_title="Museum",
        student_id=family.child.pk,
        fee_minor=3000,
        currency="USD",
    )


def choose(category):
    catalogue.choose_for_activities(category_id=category and category.pk, actor=make.ACTOR)


def taking(invoice_id):
    return accounts.accounts_of([invoice_id])[invoice_id].id


def test_their_money_goes_where_that_of_the_category_goes(trips, museum, room, family):
    make.bill(room)
    in_use = GatewayAccount.objects.get(is_default=True).pk
    assert taking(museum) == in_use

    choose(trips)

    assert taking(museum) == trips.account_id
    groups = accounts.pay_groups(invoices.open_invoices(student_ids=[family.child.pk]))
    assert {group.account_id for group in groups} == {trips.account_id, in_use}
    choose(None)
    assert taking(museum) == in_use


def test_reports_count_them_with_the_category(trips, museum, family, drain):
    def outstanding():
        return [line.label for line in aging(as_of=today()).by_category]

    def taken():
        found = takings(since=today(), until=today(), which=REAL_MONEY)
        return [cut.label for cut in found.by_category if cut.taken_minor == 1000]

    make.pay(family, [(museum, 1000)])
    drain()
    assert outstanding() == taken() == ["Activities"]

    choose(trips)

    assert outstanding() == taken() == ["Trips abroad"]


def test_staff_choose_it_and_it_is_in_the_trail(client_for, trips):
    client = client_for("bursar")
    assert "Activities count as" in client.get(reverse("fees:categories")).content.decode()

    assert client.post(URL, {"category": str(trips.pk)}).status_code == 302
    assert client.post(URL, {"category": str(uuid4())}).status_code == 422

    trips.refresh_from_db()
    assert trips.for_activities
    page = client.get(reverse("fees:categories")).content.decode()
    assert f'<option value="{trips.pk}" selected>Trips abroad</option>' in page
    audit = client_for("admin").get("/portal/people/audit/").content.decode()
    assert "Chose as which category activities count" in audit
    assert client_for("office").post(URL, {"category": ""}).status_code == 403


def test_there_is_one_category_of_activities(trips):
    with pytest.raises(NotFound):
        catalogue.choose_for_activities(category_id=uuid4(), actor=make.ACTOR)
    choose(trips)
    other = FeeCategory.objects.create(name="Clubs", position=10)
    choose(other)
    assert list(FeeCategory.objects.filter(for_activities=True)) == [other]
    with pytest.raises(IntegrityError), transaction.atomic():
        FeeCategory.objects.update(for_activities=True)
