# ruff: noqa: F811 - fixtures of the apps, imported by name
"""A school that is suspended, archived or being deleted, met on real payments at the sandbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from django.utils import timezone

from apps.fees.services import checkout, links
from apps.fees.tests import factories as make
from apps.fees.tests.conftest import family, parent, room  # noqa: F401
from apps.payments import facade as payments
from apps.payments import models, tasks
from apps.payments.tests.conftest import account, deliver, sandbox  # noqa: F401
from apps.tenants.models import School
from apps.tenants.services.due import take_due
from apps.tenants.services.status import archive_school, resume_school, suspend_school
from kernel.schools import in_public

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def step(room: Any, family: make.Family) -> Any:
    """Maria has begun to pay and sees the gateway's page."""
    make.bill(room)
    wish = checkout.Wish(invoice_ids=None, amount_minor=None, use_credit=False, token=uuid4())
    return checkout.start_family_payment(guardian_id=family.guardian.pk, wish=wish)


def press_pay(step: Any) -> None:
    requests.post(step.redirect_url, {"action": "pay"}, allow_redirects=False, timeout=10)


def suspend() -> None:
    suspend_school(school_id=1, reason="Unpaid", actor="olive")


def archive() -> None:
    archive_school(school_id=1, reason="Moved", actor="olive")


def status_of(step: Any) -> str:
    return payments.get_payment(step.payment_id).status


# Suspended ------------------------------------------------------------------------------------


def test_a_payment_under_way_arrives_by_its_return_page(step: Any, parent: Any) -> None:
    press_pay(step)
    suspend()

    page = parent.get(f"/family/payments/{step.payment_id}/")

    assert page.status_code == 200
    assert "outcome-ok" in page.content.decode()
    assert status_of(step) == "captured"


def test_a_payment_under_way_arrives_by_the_gateways_message(
    step: Any,
    sandbox: Any,
    anonymous: Any,
    school: Any,
) -> None:
    press_pay(step)
    suspend()

    answer = deliver(anonymous(), sandbox.collect()[0])

    assert (answer.status_code, answer.content) == (200, b"received")
    event = models.ProviderEvent.objects.get()
    tasks.process_provider_event(schema_name=school.schema_name, provider_event_id=str(event.pk))
    assert status_of(step) == "captured"


def test_a_payment_under_way_arrives_by_the_janitor(step: Any, school: Any) -> None:
    press_pay(step)
    suspend()
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))

    assert tasks.tidy_school(schema_name=school.schema_name) == 1

    assert status_of(step) == "captured"


def test_the_receipt_is_written_sent_and_can_be_read(
    step: Any, parent: Any, family: make.Family, drain: Any, mailbox: Any, anonymous: Any
) -> None:
    suspend()
    press_pay(step)
    payments.sync(step.payment_id)
    drain()

    letters = [mail for mail in mailbox if "receipt" in mail.subject.lower()]
    assert [family.guardian.email in mail.to[0] for mail in letters] == [True]
    assert parent.get(f"/family/receipts/{step.payment_id}/").status_code == 200
    pdf = parent.get(f"/family/receipts/{step.payment_id}/receipt.pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    # The letter's link opens it in another browser too.
    link = links.receipt_url(payment_id=step.payment_id, guardian_id=family.guardian.pk)
    assert anonymous().get(urlsplit(link).path, follow=True).status_code == 200


def test_a_payment_under_way_can_be_given_up(step: Any, parent: Any) -> None:
    suspend()

    answer = parent.post(f"/family/payments/{step.payment_id}/cancel/")

    assert answer.status_code == 302
    assert status_of(step) == "cancelled"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/family/pay/"),
        ("get", "/family/"),
        ("get", "/family/history/"),
        ("get", "/"),
        ("get", "/news/"),
        ("get", "/sign-in/"),
        ("post", "/sign-in/"),
        ("post", "/password/forgotten/"),
        ("get", "/portal/"),
        ("post", "/portal/fees/new/"),
        ("put", "/theme.css"),
        ("post", "/language/"),
        ("get", "/nothing-is-here/"),
    ],
)
def test_nothing_new_begins(step: Any, parent: Any, method: str, path: str) -> None:
    suspend()
    before = models.Payment.objects.count()

    answer = getattr(parent, method)(path)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3600"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "closed for now" in answer.content.decode()
    assert models.Payment.objects.count() == before


def test_people_who_are_signed_in_are_stopped_too(client_for: Any) -> None:
    staff = client_for("admin")
    assert staff.get("/portal/").status_code == 200
    suspend()

    assert staff.get("/portal/").status_code == 503
    assert staff.post("/portal/settings/", {"name": "Ours"}).status_code == 503
    resume_school(school_id=1, actor="olive")

    assert staff.get("/portal/").status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_api_says_it_in_its_own_words(api_for: Any, method: str) -> None:
    api = api_for("bursar")
    suspend()

    answer = getattr(api, method)("/api/v1/invoices/")

    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "3600"
    assert (answer.json()["code"], answer.json()["status"]) == ("school_suspended", 503)
    assert "closed at the moment" in answer.json()["detail"]


def test_a_token_cannot_be_had(api_for: Any) -> None:
    api = api_for("bursar")
    suspend()

    answer = api.post("/api/v1/token/", {"email": "bursar@example.org", "password": "x"})

    assert answer.status_code == 503


def test_the_notice_has_its_looks(anonymous: Any) -> None:
    suspend()

    page = anonymous().get("/").content.decode()

    assert "/theme.css?v=" in page
    assert anonymous().get("/theme.css").headers["Content-Type"].startswith("text/css")
    assert anonymous().get("/static/css/base.css").status_code == 200
    assert "Lincoln Elementary" in page
    assert "Unpaid" not in page, "why is between the school and the platform"


# Archived, being deleted ----------------------------------------------------------------------


@pytest.fixture(params=["archived", "deleting"])
def left(request: Any, db: None) -> Any:
    """left(): the school leaves, in one way or the other."""

    def leave() -> str:
        with in_public():
            if request.param == "archived":
                archive()
            else:
                School.objects.filter(pk=1).update(status="deleting", status_before="active")
                from apps.tenants.facade import forget_hosts

                forget_hosts()
        return str(request.param)

    return leave


def test_a_school_that_left_says_so(left: Any, parent: Any, api_for: Any) -> None:
    api = api_for("bursar")
    status = left()

    page, machine = parent.get("/"), api.get("/api/v1/invoices/")

    assert page.status_code == 410
    assert "no longer here" in page.content.decode()
    assert "Retry-After" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert (machine.status_code, machine.json()["code"]) == (410, f"school_{status}")
    for path in ("/sign-in/", "/portal/", "/family/", f"/family/payments/{uuid4()}/"):
        assert parent.get(path).status_code == 410
    assert parent.get("/theme.css").status_code == 200


def test_a_message_is_kept_and_acted_upon_when_the_school_comes_back(
    step: Any,
    sandbox: Any,
    anonymous: Any,
    school: Any,
) -> None:
    press_pay(step)
    archive()

    answer = deliver(anonymous(), sandbox.collect()[0])
    with in_public():
        School.objects.get(pk=1)

    assert (answer.status_code, answer.content) == (200, b"received")
    event = models.ProviderEvent.objects.get()
    assert event.state == models.ProviderEvent.RECEIVED
    assert all(schema != "t_000001" for schema, _task in take_due())
    assert status_of(step) != "captured"

    resume_school(school_id=1, actor="olive")
    models.ProviderEvent.objects.update(next_attempt_at=timezone.now())
    tasks.take_up_messages(schema_name=school.schema_name)

    assert status_of(step) == "captured"


def test_nobody_elses_message_is_kept(left: Any, anonymous: Any, account: Any) -> None:
    left()

    answer = anonymous().post(
        f"/hooks/payments/{account.webhook_key}/", b"{}", content_type="application/json"
    )

    assert answer.status_code == 400
    assert not models.ProviderEvent.objects.exists()


def test_a_school_that_is_being_made_says_so(anonymous: Any) -> None:
    with in_public():
        School.objects.filter(pk=1).update(status="provisioning")

    page = anonymous().get("/")

    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "being set up" in page.content.decode()
