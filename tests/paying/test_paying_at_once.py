"""Real commits and threads: double clicks, two tabs and two guardians on the family's page."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
import requests
from django.db import connection
from django.db.models import Sum

from apps.fees.models import Allocation, Credit, Receipt
from apps.fees.services import allocation, checkout
from apps.fees.tests import factories as make
from apps.fees.tests.test_checkout import wish
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount, OpenClaim, Payment
from apps.students.tests.factories import GuardianFactory
from kernel.errors import DomainError
from kernel.schools import in_school

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def billed(committed_school, sandbox):
    """Two guardians with 200 dollars of credit, whose two children owe 450 dollars each."""
    GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    room = make.make_class()
    family = make.make_family(room, children=2)
    family.other = GuardianFactory(household=family.guardian.household, name="Jo Lopez")
    for child in family.children:
        child.guardianships.create(guardian=family.other, relationship="parent", contact_order=2)
    make.capture(family.guardian, 20000)
    make.bill(room)
    return family


def at_once(school, calls):
    barrier = Barrier(len(calls))

    def run(call):
        try:
            with in_school(school.schema_name):
                barrier.wait()
                return call()
        except DomainError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def start(guardian, **values):
    return lambda: checkout.start_family_payment(guardian_id=guardian.pk, wish=wish(**values))


def the_hosted_pages(results):
    return {step.redirect_url for step in results if not isinstance(step, str)}


def pay(url):
    requests.post(url, {"action": "pay"}, allow_redirects=False, timeout=10)


def paid_in_books():
    return Allocation.objects.aggregate(total=Sum("amount_minor"))["total"] or 0


def credit():
    return Credit.objects.aggregate(total=Sum("amount_minor"))["total"] or 0


def test_a_double_click_with_credit_spends_it_once_and_opens_one_page(committed_school, billed):
    token = uuid4()
    results = at_once(committed_school, [start(billed.guardian, use_credit=True, token=token)] * 4)
    assert len(the_hosted_pages(results)) == 1, results
    assert Payment.objects.get(is_open=True).amount_minor == 70000
    assert paid_in_books() == 20000
    assert credit() == 0


def test_two_tabs_of_one_guardian_share_one_page(committed_school, billed):
    results = at_once(committed_school, [start(billed.guardian) for _ in range(3)])
    assert len(the_hosted_pages(results)) == 1
    assert Payment.objects.count() == 1


def test_two_guardians_at_once_one_pays_and_nothing_is_paid_twice(committed_school, billed):
    calls = [start(who) for who in (billed.guardian, billed.other) * 2]
    results = at_once(committed_school, calls)
    assert Counter(r for r in results if isinstance(r, str)) == {"PaymentInProgress": 2}
    [page] = the_hosted_pages(results)
    pay(page)
    ids = set(Payment.objects.values_list("pk", flat=True))

    def learn():
        return allocation.catch_up([payments.sync(key) for key in ids])

    at_once(committed_school, [learn] * 4)
    assert paid_in_books() == 90000
    assert Receipt.objects.count() == 2
    assert credit() == 20000
    assert OpenClaim.objects.count() == 0


def test_guardians_who_choose_overlapping_invoices_never_both_hold_one(committed_school, billed):
    ada, ben = (make.owed(child)[0].id for child in billed.children)
    calls = [
        start(billed.guardian, invoice_ids=(ada, ben)),
        start(billed.other, invoice_ids=(ben,)),
        start(billed.other, invoice_ids=(ada,)),
    ]
    results = at_once(committed_school, calls)
    for page in the_hosted_pages(results):
        pay(page)
    for key in Payment.objects.values_list("pk", flat=True):
        allocation.catch_up([payments.sync(key)])
    assert paid_in_books() == Payment.objects.aggregate(total=Sum("captured_minor"))["total"]
    assert credit() == 20000
