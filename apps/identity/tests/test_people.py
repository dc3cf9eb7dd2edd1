"""The people pages of the portal."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.identity.models import AuditEntry, AuditIsAppendOnly, Invitation, User
from apps.identity.services import accounts, audit
from apps.identity.tests.factories import InvitationFactory, InvitedUserFactory, UserFactory
from kernel.errors import Conflict
from kernel.ids import uuid7

GET_PAGES = ["/portal/people/", "/portal/people/invite/", "/portal/people/audit/"]
POSTS = ["", "resend/", "revoke/", "deactivate/", "reactivate/"]


@pytest.mark.parametrize("path", GET_PAGES)
@pytest.mark.parametrize(
    ("role", "status"),
    [("admin", 200), ("bursar", 403), ("office", 403), ("teacher", 403), ("guardian", 403)],
)
def test_only_admins_see_people(client_for, path, role, status):
    assert client_for(role).get(path).status_code == status


@pytest.mark.parametrize("path", GET_PAGES)
def test_strangers_are_sent_to_sign_in(anonymous, path):
    assert anonymous().get(path)["Location"] == f"/sign-in/?next={path}"


@pytest.mark.parametrize("action", POSTS)
@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian", None])
def test_a_refused_change_changes_nothing(school, client_for, anonymous, action, role):
    person = InvitationFactory(user__roles=["teacher"]).user
    client = client_for(role) if role else anonymous()

    response = client.post(f"/portal/people/{person.pk}/{action}", {"roles": ["admin"]})

    assert response.status_code == (403 if role else 302)
    person = User.objects.get(pk=person.pk)
    assert (person.is_active, person.roles) == (True, {"teacher"})
    assert Invitation.objects.filter(user=person, revoked_at=None).count() == 1
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("action", ["resend/", "revoke/", "deactivate/", "reactivate/"])
def test_changes_need_a_post_and_a_person(client_for, action):
    client = client_for("admin")

    assert client.get(f"/portal/people/{client.user.pk}/{action}").status_code == 405
    assert client.post(f"/portal/people/{uuid7()}/{action}").status_code == 404


def test_the_list_finds_by_name_mail_group_and_status(school, client_for):
    client = client_for("admin", name="Zoe Admin", email="zoe@example.org")
    UserFactory(name="Ana Ruiz", email="ana@example.org", roles=["guardian"])
    UserFactory(name="Tom Becker", email="tom@example.org", roles=["teacher"], is_active=False)
    InvitedUserFactory(name="Bea Lang", email="bea@example.org", roles=["office"])

    def names(query):
        people = client.get(f"/portal/people/?{query}").context["people"]
        return [person["name"] for person in people]

    assert names("") == ["Ana Ruiz", "Bea Lang", "Tom Becker", "Zoe Admin"]
    assert names("q=ruiz+ana") == ["Ana Ruiz"]
    assert names("q=TOM@") == ["Tom Becker"]
    assert names("group=parents") == ["Ana Ruiz"]
    assert names("group=staff") == ["Bea Lang", "Tom Becker", "Zoe Admin"]
    assert names("status=invited") == ["Bea Lang"]
    assert names("status=active") == ["Ana Ruiz", "Zoe Admin"]
    assert names("status=deactivated") == ["Tom Becker"]
    assert names("status=nonsense") == ["Ana Ruiz", "Bea Lang", "Tom Becker", "Zoe Admin"]
    assert names("q=%00nobody") == []
    assert b"No account matches" in client.get("/portal/people/?q=nobody").content


def test_the_list_costs_the_same_for_one_and_for_a_page_full(
    school, client_for, django_assert_max_num_queries
):
    client = client_for("admin")
    UserFactory.create_batch(30, roles=["teacher", "guardian"])

    # session, user, count, page; the shell's own queries are not ours to count
    with django_assert_max_num_queries(8):
        response = client.get("/portal/people/")

    assert len(response.context["people"]) == 25
    assert client.get("/portal/people/?page=2").context["people"].__len__() == 6


def test_an_admin_invites_from_the_portal(school, client_for):
    client = client_for("admin")

    response = client.post(
        "/portal/people/invite/",
        {"name": "Bea Lang", "email": "Bea@example.org", "roles": ["office", "teacher"]},
        follow=True,
    )

    assert "on its way to bea@example.org" in response.content.decode()
    assert User.objects.get(email="bea@example.org").roles == {"office", "teacher"}
    assert Invitation.objects.get().invited_by == client.user.email


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": "bea", "roles": ["office"]}, "valid email"),
        ({"email": "bea@example.org", "roles": []}, "at least one role"),
        ({"email": "bea@example.org", "roles": ["operator"]}, "valid choice"),
        ({"email": "ADMIN@example.org", "roles": ["office"]}, "already has an account"),
    ],
)
def test_a_bad_invitation_explains_itself(school, client_for, values, said):
    client = client_for("admin")

    response = client.post("/portal/people/invite/", {"name": "Bea", **values})

    assert response.status_code == 200
    assert said in response.content.decode()
    assert User.objects.count() == 1


def test_an_admin_changes_roles(school, client_for):
    client, person = client_for("admin"), UserFactory(roles=["teacher"])

    client.post(f"/portal/people/{person.pk}/", {"roles": ["bursar", "office"]})

    assert User.objects.get(pk=person.pk).roles == {"bursar", "office"}
    entry = AuditEntry.objects.get(action="identity.roles_changed")
    assert (entry.actor, entry.subject) == (client.user.email, person.email)
    assert entry.detail == {"before": ["teacher"], "after": ["bursar", "office"]}


def test_the_last_admin_stays_admin(school, client_for):
    client = client_for("admin")

    response = client.post(f"/portal/people/{client.user.pk}/", {"roles": ["teacher"]})

    assert "only administrator" in response.content.decode()
    assert User.objects.get(pk=client.user.pk).roles == {"admin"}


def test_an_admin_may_step_down_when_there_is_another(school, client_for):
    client = client_for("admin")
    UserFactory(roles=["admin"])

    client.post(f"/portal/people/{client.user.pk}/", {"roles": ["teacher"]})

    assert User.objects.get(pk=client.user.pk).roles == {"teacher"}


def test_deactivating_and_reactivating(school, client_for):
    client, person = client_for("admin"), UserFactory(name="Tom Becker")

    page = client.post(f"/portal/people/{person.pk}/deactivate/", follow=True)
    assert "Tom Becker can no longer sign in" in page.content.decode()
    assert User.objects.get(pk=person.pk).is_active is False

    page = client.post(f"/portal/people/{person.pk}/reactivate/", follow=True)
    assert "Tom Becker can sign in again" in page.content.decode()
    assert User.objects.get(pk=person.pk).is_active is True


def test_nobody_closes_their_own_account(school, client_for):
    client = client_for("admin")
    UserFactory(roles=["admin"])

    page = client.post(f"/portal/people/{client.user.pk}/deactivate/", follow=True)

    assert "cannot deactivate your own" in page.content.decode()
    assert User.objects.get(pk=client.user.pk).is_active


def test_resending_and_withdrawing_from_the_page(school, client_for):
    client, person = client_for("admin"), InvitationFactory(user__name="Bea Lang").user

    page = client.post(f"/portal/people/{person.pk}/resend/", follow=True)
    assert "fresh invitation is on its way" in page.content.decode()
    page = client.post(f"/portal/people/{person.pk}/revoke/", follow=True)
    assert "invitation of Bea Lang is withdrawn" in page.content.decode()
    page = client.post(f"/portal/people/{person.pk}/revoke/", follow=True)
    assert "no open invitation" in page.content.decode()
    assert Invitation.objects.filter(revoked_at=None).count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_leave_one(committed_school):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from kernel.schools import in_school

    first, second = UserFactory(roles=["admin"]), UserFactory(roles=["admin"])
    barrier = Barrier(2)

    def remove(target, actor):
        with in_school(committed_school.schema_name):
            barrier.wait()
            try:
                accounts.deactivate(user_id=target.pk, actor=actor.email)
                return "done"
            except Conflict:
                return "refused"
            finally:
                connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(remove, [first, second], [second, first]))

    assert sorted(outcomes) == ["done", "refused"]
    assert User.objects.filter(is_active=True).count() == 1


def test_the_audit_trail_is_searched(school, client_for):
    audit.record(actor="ana@example.org", action="fees.run_posted", subject="Term 1")
    audit.record(actor="tom@example.org", action="identity.roles_changed", detail={"after": ["a"]})
    client = client_for("admin")

    def subjects(query):
        entries = client.get(f"/portal/people/audit/?q={query}").context["page"].object_list
        return [entry.action for entry in entries]

    assert subjects("") == ["identity.roles_changed", "fees.run_posted"]
    assert subjects("ana") == ["fees.run_posted"]
    assert subjects("roles+tom") == ["identity.roles_changed"]
    assert b"No entry matches" in client.get("/portal/people/audit/?q=zzz").content


def test_the_audit_trail_is_append_only_in_python_and_in_the_database(school):
    audit.record(actor="ana@example.org", action="fees.run_posted")
    entry = AuditEntry.objects.get()

    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(AuditIsAppendOnly):
            change()
    with pytest.raises(AuditIsAppendOnly):
        AuditEntry.objects.update(actor="x")
    for statement in (
        "UPDATE identity_auditentry SET actor = 'x'",
        "DELETE FROM identity_auditentry",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert AuditEntry.objects.get().actor == "ana@example.org"
