"""/portal/: what each role sees first."""

from types import SimpleNamespace
from unittest.mock import patch

import pytest

from apps.fees.contracts import MoneyTotals
from config.gateway import checklist, dashboard, overview

MONEY = MoneyTotals(
    outstanding_minor=1284000,
    overdue_minor=91250,
    collected_month_minor=410030,
    invoices_open=14,
    currency="USD",
)
STEPS_OF_ADMIN = [
    "Tell families about the school",
    "Say how to reach the school",
    "Invite your colleagues",
    "Import families",
    "Connect a payment gateway",
    "Create a fee",
    "Post the first billing run",
    "Publish some news",
]


@pytest.mark.parametrize("role", ["admin", "bursar", "office", "teacher"])
def test_every_staff_role_opens_the_portal(school, client_for, role: str) -> None:
    answer = client_for(role).get("/portal/")

    assert answer.status_code == 200
    assert role.title() in answer.context["greeting"]


def test_a_guardian_may_not_open_the_portal(school, client_for) -> None:
    assert client_for("guardian").get("/portal/").status_code == 403


def test_a_stranger_is_asked_to_sign_in(school, anonymous) -> None:
    answer = anonymous().get("/portal/")

    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/portal/"


def test_a_session_of_another_school_counts_for_nothing(school, other_school, client_for) -> None:
    browser = client_for("admin")

    answer = browser.get("/portal/", headers={"host": other_school.primary_host})

    assert answer.status_code == 302


def test_a_new_school_shows_the_admin_what_to_do(school, client_for) -> None:
    answer = client_for("admin").get("/portal/")

    steps = answer.context["checklist"].steps
    assert [step.title for step in steps] == STEPS_OF_ADMIN
    assert not next(step for step in steps if step.title == "Import families").done
    assert "Set up the school" in answer.content.decode()


def test_a_bursar_sees_only_the_steps_of_a_bursar(school, client_for) -> None:
    steps = client_for("bursar").get("/portal/").context["checklist"].steps

    assert [step.title for step in steps] == [
        "Import families",
        "Create a fee",
        "Post the first billing run",
    ]


def test_a_step_is_ticked_by_the_fact(school, client_for) -> None:
    browser = client_for("admin")
    from apps.website import facade as website

    website.publish_news(title="Welcome", body="The doors open on Monday.", actor="test")

    steps = {step.title: step.done for step in browser.get("/portal/").context["checklist"].steps}
    assert steps["Publish some news"]
    assert not steps["Create a fee"]
    assert not steps["Say how to reach the school"]


def test_the_post_that_a_new_school_starts_with_ticks_nothing(school, client_for) -> None:
    from apps.tenants import facade as tenants
    from apps.tenants.contracts import ProvisioningContext
    from apps.website.provisioning import open_public_site

    info = tenants.current_school_info()
    open_public_site(ProvisioningContext(school=info, admin_email="a@b.org", admin_name="Head"))

    page = client_for("admin").get("/portal/")

    steps = {step.title: step.done for step in page.context["checklist"].steps}
    assert not steps["Publish some news"]
    assert [post.title for post in page.context["overview"].news] == ["Our new website is here"]


def test_contact_details_in_the_settings_tick_their_step(school, client_for) -> None:
    from apps.tenants import facade as tenants

    tenants.update_settings(school_id=school.id, contact_phone="+1 217 555 0142")

    steps = client_for("admin").get("/portal/").context["checklist"].steps

    assert next(step for step in steps if step.title == "Say how to reach the school").done


def test_a_second_colleague_ticks_the_invitations(school, client_for) -> None:
    client_for("bursar")

    steps = client_for("admin").get("/portal/").context["checklist"].steps

    assert next(step for step in steps if step.title == "Invite your colleagues").done


def test_a_complete_checklist_is_put_away(school, client_for) -> None:
    browser = client_for("teacher")

    page = browser.get("/portal/").content.decode()

    assert "Set up the school" not in page


def test_money_is_shown_to_who_may_see_it(school, client_for) -> None:
    with patch.object(overview.fees, "money_totals", return_value=MONEY):
        page = client_for("bursar").get("/portal/").content.decode()

    assert "$12,840.00" in page
    assert "$912.50 is past its due date." in page


def test_a_teacher_sees_no_money_and_asks_for_none(school, client_for) -> None:
    with (
        patch.object(overview.fees, "money_totals") as money,
        patch.object(overview.payments, "takings") as takings,
        patch.object(overview.payments, "list_payments") as payments,
    ):
        answer = client_for("teacher").get("/portal/")

    assert [stat.label for stat in answer.context["overview"].stats] == ["Students"]
    assert "$" not in answer.content.decode().split("<main", 1)[1]
    for asked in (money, takings, payments):
        asked.assert_not_called()


def test_a_failed_message_waits_for_somebody(school, client_for) -> None:
    failed = SimpleNamespace(waiting=0, sent=4, failed=3)
    with patch.object(overview.notifications, "counts", return_value=failed):
        answer = client_for("office").get("/portal/")

    assert "3 messages could not be delivered." in answer.content.decode()


def test_the_page_costs_a_fixed_number_of_queries(
    school, client_for, django_assert_max_num_queries
) -> None:
    browser = client_for("admin")

    with django_assert_max_num_queries(30):
        browser.get("/portal/")


@pytest.mark.parametrize(
    ("hour", "words"), [(8, "Good morning"), (12, "Good afternoon"), (21, "Good evening")]
)
def test_the_greeting_follows_the_schools_clock(hour: int, words: str) -> None:
    user = SimpleNamespace(name="Ana Pérez", email="ana@example.org")
    with patch.object(dashboard.timezone, "localtime", return_value=SimpleNamespace(hour=hour)):
        assert dashboard.greeting(user) == f"{words}, Ana"


def test_the_greeting_of_somebody_without_a_name() -> None:
    user = SimpleNamespace(name="", email="ana@example.org")

    assert dashboard.greeting(user).endswith(", ana@example.org")


def test_nothing_to_do_is_complete() -> None:
    assert checklist.Checklist(steps=[]).complete
