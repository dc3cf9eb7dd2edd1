"""What the audit trail hears from other apps."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.identity.models import AuditEntry
from apps.identity.services import audit
from apps.identity.services.audit_words import SENTENCES, sentence_of
from apps.tenants import facade as tenants


def test_changed_settings_are_in_the_schools_audit_trail(school, drain, client_for):
    tenants.update_settings(
        school_id=school.id,
        actor="head@lincoln.example",
        tagline="Curious together",
        address="1 Main St\nSpringfield",
    )
    drain()

    entry = AuditEntry.objects.get(action="tenants.settings_changed")
    assert (entry.actor, entry.subject) == ("head@lincoln.example", "Lincoln Elementary")
    assert entry.detail == {
        "tagline": "– → Curious together",
        "address": "– → 1 Main St, Springfield",
    }
    page = client_for("admin").get("/portal/people/audit/?q=settings").content.decode()
    assert "– → Curious together" in page


def test_a_save_that_changes_nothing_leaves_no_entry(school, drain):
    tenants.update_settings(school_id=school.id, name="Lincoln Elementary")
    drain()

    assert not AuditEntry.objects.filter(action="tenants.settings_changed").exists()


def test_the_other_school_does_not_hear_of_it(school, in_other_school, drain):
    tenants.update_settings(school_id=school.id, tagline="Curious together")
    drain()

    with in_other_school():
        assert not AuditEntry.objects.exists()


# How code writes an entry: record(action="…"), or a helper _audit(…, "…").
WRITTEN = re.compile(
    r"""(?:record_audit|audit\.record|_audit)\((?:[^()]|\([^()]*\))*?"""
    r"""["']((?:activities|fees|identity|notifications|payments|students|tenants|website)\.[a-z_]+)""",
    re.DOTALL,
)


def written_codes() -> set[str]:
    source = Path(settings.BASE_DIR, "apps")
    files = (path for path in source.rglob("*.py") if "tests" not in path.parts)
    return {code for path in files for code in WRITTEN.findall(path.read_text())}


def test_the_search_for_codes_finds_the_known_ways_of_writing_one():
    assert {"students.student_added", "fees.run_posted", "identity.signed_in"} <= written_codes()


@pytest.mark.parametrize("code", sorted(written_codes()))
def test_every_code_has_its_sentence(code):
    assert code in SENTENCES


def test_the_trail_reads_like_a_story_and_is_searched_by_what_it_says(school, client_for):
    audit.record(actor="a@example.org", action="identity.user_deactivated", subject="b@example.org")
    admin = client_for("admin")

    page = admin.get("/portal/people/audit/").content.decode()
    found = admin.get("/portal/people/audit/?q=closed an account").content.decode()
    other = admin.get("/portal/people/audit/?q=billing run").content.decode()

    assert "Closed an account" in page
    assert "b@example.org" in found
    assert "b@example.org" not in other


def test_an_unknown_code_is_still_readable():
    assert sentence_of("clinic.visit_noted") == "visit noted"
