"""What a family does on the activities pages, signed in."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.activities import facade
from apps.activities.models import SignUp
from apps.activities.tests.factories import ActivityFactory, enrolled, family

BASE = "/family/activities/"


@pytest.fixture
def by_account(client_for: Any) -> Any:
    """A browser in which a guardian has signed in."""

    def opened(guardian: Any, school: Any = None) -> Any:
        return client_for("guardian", school, email=guardian.email)

    return opened


def test_family_sees_what_is_open_for_its_children(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    mine = ActivityFactory(title="Chess", fee_minor=2500, places=3)
    ActivityFactory(title="Draft", status="draft")
    facade.sign_up(activity_id=mine.id, student_id=child.id, actor="x")

    page = by_account(guardian).get(BASE).content.decode()

    assert "Chess" in page
    assert f"{child.first_name} has a place" in page
    assert "2 places left" in page
    assert "$25.00" in page
    assert "Draft" not in page


def test_nothing_open_says_so(school: Any, by_account: Any) -> None:
    guardian, _children = family()

    assert "Nothing to sign up for" in by_account(guardian).get(BASE).content.decode()


def test_sign_up_shows_the_fee_and_that_an_invoice_follows(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(fee_minor=2500)
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    page = client.get(url).content.decode()
    assert "Taking part costs $25.00. You do not pay now: an invoice follows" in page

    told = client.post(f"{url}sign-up/", {"student": str(child.id), "note": "nuts"}, follow=True)
    assert "has a place. The invoice follows by e-mail." in told.content.decode()
    row = SignUp.objects.get()
    assert (row.guardian_id, row.status, row.note) == (guardian.id, "confirmed", "nuts")


def test_full_activity_offers_the_waiting_list(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(places=1)
    first = facade.sign_up(activity_id=activity.id, student_id=enrolled().id, actor="x")
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    assert "Join the waiting list" in client.get(url).content.decode()
    told = client.post(f"{url}sign-up/", {"student": str(child.id)}, follow=True)
    assert "is number 1 in the waiting list" in told.content.decode()

    facade.cancel_sign_up(sign_up_id=first.id, actor="x")
    assert "has a place" in client.get(url).content.decode()


def test_family_leaves_after_a_question(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory()
    done = facade.sign_up(activity_id=activity.id, student_id=child.id, actor="x")
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    assert "Give back the place of" in client.get(url).content.decode()
    told = client.post(f"{url}leave/{done.id}/", follow=True)

    assert "The place was given back." in told.content.decode()
    assert SignUp.objects.get().status == "cancelled"


def test_missing_permission_is_asked_for(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(needs_permission=True)
    client, url = by_account(guardian), f"{BASE}{activity.id}/sign-up/"

    refused = client.post(url, {"student": str(child.id)})
    assert refused.status_code == 422
    assert "Please give your permission first." in refused.content.decode()

    client.post(url, {"student": str(child.id), "permission": "yes"})
    assert SignUp.objects.get().permission_given_at is not None


def test_several_children_are_chosen_from(school: Any, by_account: Any) -> None:
    guardian, (one, two) = family(children=2)
    activity = ActivityFactory()
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    assert "Which child?" in client.get(url).content.decode()
    refused = client.post(f"{url}sign-up/", {})
    assert "Please choose one of your children." in refused.content.decode()
    client.post(f"{url}sign-up/", {"student": str(two.id)})

    assert [row.student_id for row in SignUp.objects.all()] == [two.id]
    assert one.first_name in client.get(url).content.decode()


def test_other_peoples_children_are_out_of_reach(school: Any, by_account: Any) -> None:
    guardian, _children = family()
    stranger, activity = enrolled(first_name="Stranger"), ActivityFactory()
    done = facade.sign_up(activity_id=activity.id, student_id=stranger.id, actor="x")
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    assert "Stranger" not in client.get(url).content.decode()
    assert client.post(f"{url}sign-up/", {"student": str(stranger.id)}).status_code == 422
    told = client.post(f"{url}leave/{done.id}/", follow=True)
    assert "This child is not in your family." in told.content.decode()
    assert SignUp.objects.get().status == "confirmed"


def test_closed_sign_up_cannot_be_forced(school: Any, by_account: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(signup_opens_at=timezone.now() + timedelta(days=1))
    client, url = by_account(guardian), f"{BASE}{activity.id}/"

    assert "Sign-up opens on" in client.get(url).content.decode()
    assert client.post(f"{url}sign-up/", {"student": str(child.id)}).status_code == 409
    assert SignUp.objects.count() == 0


def test_whoever_is_no_guardian_is_told_how_to_come_in(
    school: Any, anonymous: Any, client_for: Any
) -> None:
    activity = ActivityFactory(title="Chess")
    url = f"{BASE}{activity.id}/"

    strangers = (
        anonymous(),
        client_for("teacher"),
        client_for("guardian", email="no@child.example"),
    )
    for client in strangers:
        for response in (client.get(BASE), client.get(url), client.post(f"{url}sign-up/")):
            assert response.status_code == 403
            page = response.content.decode()
            assert "sign in with the e-mail address" in page
            assert "Chess" not in page


def test_account_of_another_school_opens_nothing(
    school: Any, other_school: Any, by_account: Any
) -> None:
    guardian, _children = family()

    assert by_account(guardian, school=other_school).get(BASE).status_code == 403


def test_drafts_do_not_exist_for_families(school: Any, by_account: Any) -> None:
    guardian, _children = family()
    draft = ActivityFactory(status="draft")

    assert by_account(guardian).get(f"{BASE}{draft.id}/").status_code == 404


def test_pages_are_not_kept_by_browsers(school: Any, by_account: Any) -> None:
    guardian, _children = family()

    assert "no-store" in by_account(guardian).get(BASE)["Cache-Control"]
