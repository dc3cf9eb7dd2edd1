"""Step 2 and 3 of the first journey: an operator makes a school, its administrator moves in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.flows.browserless import Visitor
from tests.flows.letters import Letters, link_in, text_of
from tests.flows.running import RunningStack

pytestmark = pytest.mark.flow

ADMIN = "ada@riverside.example"
NEW_PASSWORD = "seven quiet otters"


def provision(running: RunningStack, **changes: str) -> Any:
    values = {
        "name": "Riverside School",
        "slug": "riverside",
        "admin-email": ADMIN,
        "admin-name": "Ada Admin",
        **changes,
    }
    options = [part for name, value in values.items() for part in (f"--{name}", value)]
    return running.manage("provision_school", *options, check=False)


def traces(running: RunningStack) -> tuple[Any, ...]:
    """All that a school could leave behind; the keeper makes spares whenever it likes."""
    schools = running.public_rows("SELECT slug FROM tenants_school ORDER BY slug")
    domains = running.public_rows("SELECT domain FROM tenants_domain ORDER BY domain")
    schemas = running.public_rows(
        r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\_%'"
        " AND substring(nspname FROM 3) NOT IN"
        " (SELECT lpad(id::text, 6, '0') FROM tenants_spareschool) ORDER BY nspname"
    )
    invitations = len(Letters(running.mail).to(ADMIN))
    return schools, domains, schemas, invitations


@pytest.fixture(scope="module")
def riverside(running: RunningStack, letters: Letters, eventually: Any) -> Any:
    done = provision(running)
    assert done.returncode == 0, done.stderr
    # Sent by the command itself or, when a worker was quicker to pick it up, by that.
    eventually(lambda: letters.to(ADMIN))
    return done


def test_provisioning_prints_each_step_with_its_time(
    running: RunningStack, riverside: Any, letters: Letters
) -> None:
    steps = re.findall(r"^ *(\d+\.\d\d) s  (.+)$", riverside.stdout, re.MULTILINE)
    titles = [title for _seconds, title in steps]
    assert len(titles) >= 6
    assert titles[-1] == "in all"
    total = float(steps[-1][0])
    assert abs(sum(float(seconds) for seconds, _ in steps[:-1]) - total) < 0.2
    assert f"http://riverside.localhost:{running.stack.port}" in riverside.stdout
    assert riverside.stderr == ""
    # The invitation went out, with its link on the school's own host.
    [letter] = letters.to(ADMIN)
    assert link_in(letter, "/invitation/").startswith(running.address("riverside"))
    assert Visitor(running.address("riverside")).open("/").status == 200


def test_provisioning_again_says_so_and_changes_nothing(
    running: RunningStack, riverside: Any
) -> None:
    before = traces(running)
    again = provision(running)
    assert (again.returncode, again.stderr) == (0, "")
    assert "already there" in again.stdout
    assert "Nothing was changed" in again.stdout
    assert traces(running) == before


def test_bad_input_is_one_line_and_leaves_nothing_behind(
    running: RunningStack, riverside: Any
) -> None:
    """Of a real shell; each kind of bad input: apps/tenants/tests/test_commands.py."""
    before = traces(running)
    refused = provision(running, slug="hillside", currency="XXX")
    assert refused.returncode == 2
    [line] = refused.stderr.strip().splitlines()
    assert "currency" in line
    assert refused.stdout == ""
    assert traces(running) == before


def test_a_domain_that_leads_elsewhere_is_refused(running: RunningStack, riverside: Any) -> None:
    running.python(
        "from apps.tenants.models import Domain, School\n"
        "Domain.objects.create(domain='harbor.localhost', is_primary=False,"
        " tenant=School.objects.get(slug='lincoln'))"
    )
    before = traces(running)
    refused = provision(running, slug="harbor", name="Harbor School")
    assert refused.returncode == 2
    [line] = refused.stderr.strip().splitlines()
    assert "harbor.localhost already leads to another school, Lincoln Elementary" in line
    assert traces(running) == before


def test_a_missing_option_is_one_line(running: RunningStack) -> None:
    refused = running.manage("provision_school", "--name", "Hillside", check=False)
    assert refused.returncode == 2
    [line] = refused.stderr.strip().splitlines()
    assert "--slug" in line


def test_invited_administrator_sets_a_password_and_finds_the_checklist(
    running: RunningStack, riverside: Any, letters: Letters
) -> None:
    invitation = link_in(letters.to(ADMIN)[0], "/invitation/")
    ada = Visitor(running.address("riverside"))
    page = ada.open(invitation)
    assert "Welcome to Riverside School" in page.text
    unequal = ada.press(page, "Set password", password=NEW_PASSWORD, again="another one entirely")
    assert "not the same" in unequal.text
    weak = ada.press(page, "Set password", password="1234567890", again="1234567890")
    assert "/invitation/" in weak.url
    home = ada.press(page, "Set password", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert home.path == "/portal/"
    assert "Ada" in home.text
    assert "Set up the school" in home.text
    for task in ("Import families", "Create a fee", "Post the first billing run"):
        assert task in home.text

    # The link has done its work; the password is what opens the door from now on.
    stranger = Visitor(running.address("riverside"))
    spent = stranger.open(invitation)
    assert spent.status == 410
    assert "Set password" not in spent.text
    assert stranger.sign_in(ADMIN, NEW_PASSWORD).path == "/portal/"


def test_an_invitation_opens_nothing_elsewhere_or_tampered(
    running: RunningStack, riverside: Any, letters: Letters
) -> None:
    invitation = link_in(letters.to(ADMIN)[0], "/invitation/")
    path = "/invitation/" + invitation.split("/invitation/")[1]
    for address in (running.lincoln + path, running.platform + path, invitation[:-4] + "xyz/"):
        page = Visitor(running.lincoln).open(address)
        assert page.status in (404, 410), address
        assert "Ada" not in page.text


def test_operator_console_provisions_too(
    running: RunningStack, letters: Letters, eventually: Any
) -> None:
    operator = Visitor(running.platform)
    operator.sign_in("operator@homeroom.example", running.password)
    form = operator.open("/operator/schools/new/")
    taken = operator.press(
        form, "school", name="Another", slug="lincoln", admin_email="x@y.example"
    )
    assert taken.status == 422
    assert "Lincoln Elementary" in taken.text
    done = operator.press(
        form,
        "school",
        name="Meadow School",
        slug="meadow",
        admin_email="mo@meadow.example",
        currency="EUR",
        language="es",
    )
    assert "Meadow School is open" in done.text
    assert "Seconds" in done.text
    # By the console itself or, when a worker was quicker to pick it up, by that.
    [letter] = eventually(lambda: letters.to("mo@meadow.example"))
    assert "Meadow School" in text_of(letter)
    assert Visitor(running.address("meadow")).open("/").status == 200
    assert Visitor(running.address("nowhere")).open("/").status == 404


def test_nobody_but_an_operator_reaches_the_console(running: RunningStack) -> None:
    stranger = Visitor(running.platform)
    assert "/sign-in/" in stranger.open("/operator/").url
    bursar = Visitor(running.lincoln)
    bursar.sign_in("bursar@lincoln.example", running.password)
    assert bursar.open("/operator/").status == 404
