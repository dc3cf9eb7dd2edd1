"""Tokens, their refusals, and who am I."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.identity.models import AuditEntry, RefreshToken, User
from apps.identity.services import accounts, passwords, tokens
from apps.identity.tests.factories import PASSWORD, UserFactory
from kernel.schools import in_school

TOKEN, REFRESH, REVOKE, ME = (
    "/api/v1/token/",
    "/api/v1/token/refresh/",
    "/api/v1/token/revoke/",
    "/api/v1/me/",
)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def check_problem(response, status):
    """RFC 9457: media type and members."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


def test_a_password_buys_a_pair_of_tokens(school, api):
    user = UserFactory(email="ana@example.org", roles=["bursar", "office"])

    response = api(school).post(TOKEN, {"email": "ANA@example.org", "password": PASSWORD})

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"access", "refresh", "expires_in", "scope"}
    assert (body["expires_in"], body["scope"]) == (900, "read write")
    access, refresh = claims_of(body["access"]), claims_of(body["refresh"])
    assert (access["sub"], access["tenant"]) == (str(user.pk), school.schema_name)
    assert (access["roles"], access["scope"]) == (["bursar", "office"], "read write")
    assert (access["token_use"], refresh["token_use"]) == ("access", "refresh")
    assert access["exp"] - access["iat"] == 900
    assert RefreshToken.objects.get().jti.hex == refresh["jti"].replace("-", "")


def test_me_says_who_and_what_i_may(school, api_for, django_assert_max_num_queries):
    client = api_for("admin", name="Grace Coleman")

    client.get(ME)  # from now on the host is known without asking the database

    # open the school, the account with its roles, and the search path put back
    with django_assert_max_num_queries(3):
        body = client.get(ME).json()

    assert (body["name"], body["roles"], body["school"]) == (
        "Grace Coleman",
        ["admin"],
        school.name,
    )
    assert "identity.manage_people" in body["permissions"]


def test_me_works_with_the_portal_s_session_and_not_without_any(client_for, anonymous):
    assert client_for("teacher").get(ME).json()["roles"] == ["teacher"]
    response = anonymous().get(ME)
    check_problem(response, 401)
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ana@example.org", "password": "wrong"},
        {"email": "nobody@example.org", "password": PASSWORD},
        {"email": "closed@example.org", "password": PASSWORD},
    ],
)
def test_wrong_credentials_all_look_the_same(school, api, body):
    UserFactory(email="ana@example.org")
    UserFactory(email="closed@example.org", is_active=False)

    response = api(school).post(TOKEN, body)

    problem = check_problem(response, 401)
    assert problem["code"] == "wrong_credentials"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert RefreshToken.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "ana@example.org"}, "password"),
        ({"email": 5, "password": PASSWORD}, "email"),
        ({"email": True, "password": PASSWORD}, "email"),
        ({"email": "ana@example.org", "password": "x" * 257}, "password"),
        ({"email": "a\x00b", "password": PASSWORD}, "email"),
    ],
)
def test_a_malformed_request_names_the_field(school, api, body, field):
    problem = check_problem(api(school).post(TOKEN, body), 400)

    assert field in {error["field"] for error in problem["errors"]}


def test_an_unknown_scope_is_refused_before_anything_else(school, api):
    UserFactory(email="ana@example.org")

    response = api(school).post(
        TOKEN, {"email": "ana@example.org", "password": PASSWORD, "scope": "read everything"}
    )

    assert check_problem(response, 422)["code"] == "invalid_scope"


def test_broken_json_and_another_media_type_are_problems_too(school, api):
    check_problem(api(school).post(TOKEN, "{", content_type="application/json"), 400)
    check_problem(api(school).post(TOKEN, "a=b", content_type="text/plain"), 415)
    check_problem(api(school).get(TOKEN), 405)


def test_tokens_share_the_limit_of_the_sign_in_page(school, api, anonymous):
    UserFactory(email="ana@example.org")
    for _ in range(5):
        anonymous().post("/sign-in/", {"email": "ana@example.org", "password": "wrong"})
    for _ in range(5):
        api(school).post(TOKEN, {"email": "ana@example.org", "password": "wrong"})

    response = api(school).post(TOKEN, {"email": "ana@example.org", "password": PASSWORD})

    check_problem(response, 429)
    assert 0 < int(response["Retry-After"]) <= 900


def test_a_read_token_reads_and_writes_nothing(school, api):
    user = UserFactory(roles=["admin"])
    client = api(school, tokens.issue_pair(user=user, scope="read").access)

    assert client.get(ME).status_code == 200
    check_problem(client.post("/api/v1/news/", {}), 403)


def test_a_browser_s_session_writes_only_with_its_csrf_token(client_for):
    client = client_for("admin")
    client.handler.enforce_csrf_checks = True

    assert client.get(ME).status_code == 200
    problem = check_problem(client.post("/api/v1/news/", {}, content_type="application/json"), 403)
    assert "CSRF" in problem["detail"]


def test_expired_refresh_tokens_are_forgotten_at_the_next_sign_in(school):
    user = UserFactory()
    tokens.issue_pair(user=user)
    RefreshToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    tokens.issue_pair(user=user)

    assert RefreshToken.objects.count() == 1


def signed(claims, key=None, algorithm="HS256"):
    return jwt.encode(claims, key if key is not None else settings.SECRET_KEY, algorithm=algorithm)


def good_claims(school, user):
    now = int(timezone.now().timestamp())
    return {
        "sub": str(user.pk),
        "tenant": school.schema_name,
        "roles": ["admin"],
        "scope": "read write",
        "token_use": "access",
        "jti": "x",
        "iat": now,
        "exp": now + 60,
        "mark": tokens.session_mark(user),
    }


def test_the_forgeries_below_would_pass_unforged(school, api):
    user = UserFactory(roles=["teacher"])

    assert api(school, signed(good_claims(school, user))).get(ME).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"jti": None},
        {"sub": None},
        {"sub": "not-a-uuid"},
        {"sub": "019a0c5e-7d10-7000-8000-000000000001"},
        {"tenant": None},
        {"tenant": "public"},
        {"tenant": "t_000002"},
        {"token_use": "refresh"},
        {"token_use": None},
        {"mark": "0" * 16},
        {"mark": None},
    ],
)
def test_a_token_with_one_wrong_claim_is_refused(school, api, changes):
    claims = good_claims(school, UserFactory(roles=["admin"])) | changes
    token = signed({key: value for key, value in claims.items() if value is not None})

    check_problem(api(school, token).get(ME), 401)


def test_forged_signatures_are_refused(school, api):
    claims = good_claims(school, UserFactory(roles=["admin"]))
    forged = [
        signed(claims, key="", algorithm="none"),
        signed(claims, key="another key " * 4),
        signed(claims, algorithm="HS512"),
        signed(claims)[:-2],
        "not.a.token",
        "ümlaut",
    ]
    for token in forged:
        check_problem(api(school, token).get(ME), 401)
    check_problem(api(school, "two words").get(ME), 401)


def test_the_roles_of_a_token_are_those_of_the_account(school, api):
    """A claim promises nothing: an admin who became a teacher is one with the old token too."""
    user, _ = UserFactory(roles=["admin"]), UserFactory(roles=["admin"])
    access = tokens.issue_pair(user=user).access
    accounts.change_roles(user_id=user.pk, roles=["teacher"], actor="x@example.org")

    assert api(school, access).get(ME).json()["roles"] == ["teacher"]


def test_a_closed_account_and_a_new_password_end_tokens_at_once(school, api):
    closed, changed = UserFactory(), UserFactory()
    pairs = [tokens.issue_pair(user=user) for user in (closed, changed)]
    accounts.deactivate(user_id=closed.pk, actor="x@example.org")
    passwords.change_password(user=changed, current=PASSWORD, new="another fine phrase")

    for pair in pairs:
        check_problem(api(school, pair.access).get(ME), 401)
        check_problem(api(school).post(REFRESH, {"refresh": pair.refresh}), 401)


def test_a_refresh_token_brings_the_next_and_keeps_scope_and_family(school, api):
    pair = tokens.issue_pair(user=UserFactory(), scope="read")

    response = api(school).post(REFRESH, {"refresh": pair.refresh})

    assert response.status_code == 200
    assert response.json()["scope"] == "read"
    assert response.json()["refresh"] != pair.refresh
    assert api(school, response.json()["access"]).get(ME).status_code == 200
    old, new = RefreshToken.objects.order_by("created_at")
    assert (old.family, old.used_at is None, new.used_at) == (new.family, False, None)


def test_using_a_refresh_token_again_ends_the_family(school, api):
    user = UserFactory()
    pair, untouched = tokens.issue_pair(user=user), tokens.issue_pair(user=user)
    following = api(school).post(REFRESH, {"refresh": pair.refresh}).json()

    problem = check_problem(api(school).post(REFRESH, {"refresh": pair.refresh}), 401)

    assert problem["code"] == "token_refused"
    check_problem(api(school).post(REFRESH, {"refresh": following["refresh"]}), 401)
    entry = AuditEntry.objects.get(action="identity.tokens_revoked")
    assert entry.detail == {"reason": "reused", "tokens": 2}
    assert api(school).post(REFRESH, {"refresh": untouched.refresh}).status_code == 200


def test_an_expired_row_and_an_access_token_do_not_refresh(school, api):
    pair = tokens.issue_pair(user=UserFactory())
    check_problem(api(school).post(REFRESH, {"refresh": pair.access}), 401)
    check_problem(api(school).post(REFRESH, {"refresh": "nonsense"}), 401)

    RefreshToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    check_problem(api(school).post(REFRESH, {"refresh": pair.refresh}), 401)


def test_a_refresh_token_is_no_access_token(school, api):
    pair = tokens.issue_pair(user=UserFactory())

    check_problem(api(school, pair.refresh).get(ME), 401)


def test_revoking_ends_the_family_and_never_complains(school, api):
    pair = tokens.issue_pair(user=UserFactory())
    following = api(school).post(REFRESH, {"refresh": pair.refresh}).json()

    for refresh in (following["refresh"], following["refresh"], "nonsense"):
        assert api(school).post(REVOKE, {"refresh": refresh}).status_code == 204
    check_problem(api(school).post(REFRESH, {"refresh": following["refresh"]}), 401)


def test_an_expired_token_in_the_header_does_not_block_signing_in(school, api):
    UserFactory(email="ana@example.org")

    response = api(school, "stale.old.token").post(
        TOKEN, {"email": "ana@example.org", "password": PASSWORD}
    )

    assert response.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_eight_threads_with_one_refresh_token_exactly_one_gets_through(committed_school):
    refresh = tokens.issue_pair(user=UserFactory()).refresh
    barrier = Barrier(8)

    def use(_):
        with in_school(committed_school.schema_name):
            User.objects.exists()  # connect before the start
            barrier.wait()
            try:
                tokens.rotate(refresh=refresh)
                return True
            except tokens.TokenRefused:
                return False
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(use, range(8)))

    assert sum(outcomes) == 1
    # the other seven were a reuse: the family is over, the winner's new token included
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.filter(revoked_at=None).count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_forty_attempts_at_once_exactly_ten_are_let_through(committed_school):
    from apps.identity.services import throttle

    def attempt(_):
        with in_school(committed_school.schema_name):
            try:
                throttle.count_attempt(throttle.SIGN_IN_BY_EMAIL, "ana@example.org")
                return True
            except throttle.TooManyAttempts:
                return False
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 10
