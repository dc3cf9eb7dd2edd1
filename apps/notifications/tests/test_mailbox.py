"""The mailbox of a developer's machine."""

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client, override_settings
from django.urls import include, path

urlpatterns = [
    path("mailbox/", include("apps.notifications.mailbox.urls")),
    path("", include("config.urls_platform")),
]


@pytest.fixture
def folder(tmp_path, db):
    with override_settings(
        MAILBOX_DIR=str(tmp_path), ROOT_URLCONF=__name__, PLATFORM_URLCONF=__name__
    ):
        yield tmp_path


@pytest.fixture
def browser():
    return Client(headers={"host": "testserver"})


def send(folder, *subjects):
    backend = get_connection(
        "django.core.mail.backends.filebased.EmailBackend", file_path=str(folder)
    )
    mails = []
    for subject in subjects:
        mail = EmailMultiAlternatives(
            subject, "Pay here: http://lincoln.localhost:8000/family/ñ?t=1", "a@x.org", ["b@x.org"]
        )
        mail.attach_alternative("<p>Pay <b>here</b></p><script>alert(1)</script>", "text/html")
        mails.append(mail)
    backend.send_messages(mails)
    return sorted(path.name for path in folder.glob("*.log"))


def test_it_lists_every_mail_of_every_file(folder, browser):
    send(folder, "First bill", "Second bill")

    page = browser.get("/mailbox/").content.decode()

    assert "First bill" in page
    assert "Second bill" in page


def test_it_is_searched(folder, browser):
    send(folder, "First bill", "An invitation")

    page = browser.get("/mailbox/?q=invitation").content.decode()

    assert "An invitation" in page
    assert "First bill" not in page


def test_links_can_be_followed_and_nothing_in_a_mail_runs(folder, browser):
    [name] = send(folder, "First bill")

    text = browser.get(f"/mailbox/{name}/0/").content.decode()
    html = browser.get(f"/mailbox/{name}/0/html/")

    assert 'href="http://lincoln.localhost:8000/family/%C3%B1?t=1"' in text
    assert "<b>here</b>" in html.content.decode()
    assert "script-src" not in html["Content-Security-Policy"]
    assert html["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "address", ["../secret.log/0/", "..%2Fsecret.log/0/", "nothing.log/0/", "x.txt/0/"]
)
def test_nothing_outside_the_folder_is_read(folder, browser, address):
    (folder.parent / "secret.log").write_text("Subject: secret\n\nsecret")

    assert browser.get(f"/mailbox/{address}").status_code == 404


def test_an_empty_or_missing_folder_is_an_empty_mailbox(folder, browser):
    assert "No mail yet" in browser.get("/mailbox/").content.decode()
    with override_settings(MAILBOX_DIR=str(folder / "missing")):
        assert browser.get("/mailbox/").status_code == 200


def test_there_is_no_mailbox_where_mail_goes_out(folder, browser):
    with override_settings(MAILBOX_DIR=""):
        assert browser.get("/mailbox/").status_code == 404
