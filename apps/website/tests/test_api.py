"""News over the API."""

import pytest
from rest_framework.test import APIClient

from apps.website.models import NewsPost

from .factories import NewsPostFactory

pytestmark = pytest.mark.usefixtures("school")
URL = "/api/v1/news/"


@pytest.fixture
def stranger():
    return APIClient(headers={"host": "lincoln.testserver"})


def test_everybody_reads_what_is_published(stranger):
    post = NewsPostFactory(title="Open day")
    draft = NewsPostFactory(title="Draft", published_at=None)

    [row] = stranger.get(URL).json()["results"]

    assert row["title"] == "Open day"
    assert stranger.get(f"{URL}{post.id}/").json()["slug"] == post.slug
    assert stranger.get(f"{URL}{draft.id}/").status_code == 404


def test_editors_write(api_for, stranger):
    client = api_for("office")

    created = client.post(URL, {"title": "Open day", "body": "Come in"})
    draft = client.post(URL, {"title": "Later", "body": "x", "publish": False})

    assert created.status_code == 201
    assert created.json()["slug"] == "open-day"
    assert draft.json()["published_at"] is None
    assert len(stranger.get(URL).json()["results"]) == 1
    address = f"{URL}{created.json()['id']}/"
    assert client.put(address, {"title": "Open days", "body": "y"}).json()["title"] == "Open days"
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    assert NewsPost.objects.count() == 1


def test_bad_input_is_refused_with_its_fields(api_for):
    answer = api_for("admin").post(URL, {"title": ""})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "title" in str(answer.json())
    assert NewsPost.objects.count() == 0


def test_others_do_not_write(api_for, stranger, other_school):
    post = NewsPostFactory(title="Stays")
    address = f"{URL}{post.id}/"

    assert stranger.post(URL, {"title": "x", "body": "y"}).status_code == 401
    for role in ("bursar", "teacher", "guardian"):
        client = api_for(role)
        assert client.post(URL, {"title": "x", "body": "y"}).status_code == 403
        assert client.delete(address).status_code == 403
    assert api_for("admin", other_school).delete(address).status_code == 404
    assert NewsPost.objects.get().title == "Stays"
