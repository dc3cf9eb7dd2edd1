"""What the audit trail hears from other apps."""

from apps.identity.models import AuditEntry
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
