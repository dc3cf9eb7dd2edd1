"""A new school from a backup: silent, complete, of any version up to this one; and what goes out
after a restore in place goes out once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from PIL import Image

from apps.events import facade as events
from apps.fees import facade as fees
from apps.identity.models import Invitation, RefreshToken
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount, Payment
from apps.tenants.models import Domain, School
from apps.tenants.services.backup import candidates, sources
from apps.tenants.services.backup.building import build
from apps.tenants.services.backup.errors import Damaged, Newer, WrongKey
from apps.tenants.services.backup.restoring import restore_as_new, restore_in_place
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.take import take_backup
from apps.tenants.services.backup.verify import verify_backup
from apps.tenants.services.branding import branding_of, logo_for_print, replace_logo
from apps.tenants.services.status import resume_school
from conftest import client_on
from kernel.errors import Conflict
from kernel.files import media
from kernel.owner import owner_session
from kernel.schools import in_public, in_school
from tests.backups.conftest import all_counts, schemas

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = "operator@example.org"


def a_logo() -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", (300, 80), "navy").save(content, "PNG")
    return SimpleUploadedFile("logo.png", content.getvalue())


def test_a_copy_is_the_school_and_says_nothing(
    lively: School, back_up: Callable[[], Source], settings: Any, drain: Callable[[], int]
) -> None:
    # Given a school with letters waiting, restored where the field key is another one
    payments.create_sandbox_account()
    replace_logo(upload=a_logo(), actor=ACTOR)
    with in_public(), in_school("t_000001"):  # opened anew, as by the next request
        printed = logo_for_print()
    media().save("t_000001/documents/menu.pdf", ContentFile(b"%PDF"))
    before, owed = all_counts(), fees.money_totals()
    source = back_up()
    settings.FIELD_ENCRYPTION_KEY = "the key of another installation"
    done = restore_as_new(source=source, slug="lincoln-copy", name="A copy", actor=ACTOR)
    # Then it is archived, with everything in it
    assert (done.school.status, done.school.name) == ("archived", "A copy")
    with in_public():
        assert Domain.objects.get(tenant_id=done.school.id).domain == "lincoln-copy.testserver"
        school = School.objects.get(pk=done.school.id)
        lively.refresh_from_db()
        assert school.settings == lively.settings
        assert school.schema_version != ""
    after = all_counts(done.school.schema_name)
    for table in ("fees_charge", "fees_allocation", "payments_payment", "students_student"):
        assert after[table] == before[table]
    assert media().exists(f"{done.school.schema_name}/documents/menu.pdf")
    # with the logo, and what it does not get by itself named
    with in_school(done.school.schema_name) as copy:
        assert logo_for_print() == printed != b""
        header = branding_of(copy).header
    assert "lincoln.testserver. Plan: none" in done.remarks[-1]
    # and once it is opened nothing goes out, and no gateway can be asked.
    resume_school(school_id=done.school.id, actor=ACTOR)
    assert header
    shown = client_on("lincoln-copy.testserver").get(header.url)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/png")
    mail.outbox.clear()
    with in_school(done.school.schema_name):
        assert fees.money_totals() == owed
        while drain():
            pass
        assert mail.outbox == []
        assert not Message.objects.filter(status__in=["queued", "sending"]).exists()
        accounts = list(GatewayAccount.objects.order_by("provider"))
        assert [account.provider for account in accounts] == ["paypal", "stripe"]
        assert {(a.client_id, a.secret_key) for a in accounts} == {("", "")}
        assert not any(a.is_default or a.is_offered for a in accounts)
        assert not payments.can_take_payments()
        assert not Payment.objects.exclude(next_check_at=None).exists()
        assert not Invitation.objects.filter(accepted_at=None, revoked_at=None).exists()
        assert not RefreshToken.objects.filter(revoked_at=None).exists()


def test_letters_that_went_out_since_are_not_sent_again(
    lively: School, back_up: Callable[[], Source], drain: Callable[[], int]
) -> None:
    # Given letters that wait at the time of the backup, and go out afterwards
    source = back_up()
    while drain():
        pass
    sent = len(mail.outbox)
    assert sent > 10
    mail.outbox.clear()
    # When the school is put back and goes on, then none goes out twice.
    restore_in_place(source=source, school_id=1, actor=ACTOR)
    while drain():
        pass
    assert mail.outbox == []
    assert Message.objects.filter(status="sent").count() >= sent


def test_letters_are_sent_when_nobody_can_tell(
    lively: School,
    back_up: Callable[[], Source],
    damage: Callable[[str], None],
    drain: Callable[[], int],
) -> None:
    source = back_up()
    damage("DROP TABLE notifications_message CASCADE; DROP TABLE dead_letter")
    mail.outbox.clear()
    restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert events.waiting_event_ids() == []
    while drain():
        pass
    assert len(mail.outbox) > 10


def old_school(without: tuple[str, str]) -> School:
    """A school whose tables lack one migration."""
    known = MigrationLoader(connection).disk_migrations
    applied = {key for key in known if key != without and not key[0].startswith("auth")}
    applied -= {key for key in applied if key[0] == "contenttypes"}
    with in_public():
        school = School.objects.create(
            id=300,
            schema_name="t_000300",
            slug="old",
            name="Old School",
            currency="USD",
            language="en",
            time_zone="UTC",
            status="active",
        )
        candidates._make_schema("t_000300")
        build("t_000300", applied)
        with owner_session() as session:
            session.execute("TRUNCATE t_000300.django_migrations")
            for app, name in sorted(applied):
                session.execute(
                    "INSERT INTO t_000300.django_migrations (app, name, applied)"
                    " VALUES (%s, %s, now())",
                    [app, name],
                )
    return school


def test_a_backup_of_an_older_version_is_brought_forward(
    committed_school: School, shelf: Any
) -> None:
    # Given a backup of a school that lacks the newest migration of fees
    leaf = MigrationLoader(connection).graph.leaf_nodes("fees")[0]
    school = old_school(without=leaf)
    row = take_backup(school_id=school.id, actor=ACTOR)
    with sources.of_row(row).entries() as (head, _rest):
        assert leaf not in head.migrations
    # When it is restored, then it is compared as it was and has the migration afterwards.
    done = restore_as_new(source=sources.of_row(row), slug="forward", actor=ACTOR)
    with owner_session() as session:
        query = f"SELECT app, name FROM {done.school.schema_name}.django_migrations"
        assert leaf in set(session.execute(query).fetchall())
    with in_school(done.school.schema_name):
        assert not fees.has_fees()


def test_a_backup_of_a_newer_version_is_refused(
    committed_school: School, back_up: Callable[[], Source], damage: Callable[[str], None]
) -> None:
    damage(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('fees', '9999_later', now())"
    )
    source, before = back_up(), schemas()
    damage("DELETE FROM django_migrations WHERE name = '9999_later'")
    with pytest.raises(Newer, match=r"fees\.9999_later"):
        restore_as_new(source=source, slug="later", actor=ACTOR)
    assert schemas() == before


def test_a_taken_short_name_is_refused_before_any_work(
    committed_school: School, back_up: Callable[[], Source]
) -> None:
    with pytest.raises(Conflict):
        restore_as_new(source=back_up(), slug="sanmartin", actor=ACTOR)


def test_an_encrypted_backup_needs_its_key(
    committed_school: School, back_up: Callable[[], Source], settings: Any, shelf: Any
) -> None:
    settings.BACKUP_ENCRYPTION_KEY = "first key " * 5
    source = back_up()
    assert source.row
    assert source.row.encrypted
    assert b"identity_user" not in (shelf / source.name).read_bytes()
    settings.BACKUP_ENCRYPTION_KEY = "second key " * 5 + "," + "first key " * 5
    assert verify_backup(source=source).encrypted
    settings.BACKUP_ENCRYPTION_KEY = "second key " * 5
    with pytest.raises(WrongKey):
        restore_in_place(source=source, school_id=1, actor=ACTOR)


def test_a_plain_file_put_in_an_encrypted_ones_place_is_refused(
    committed_school: School, back_up: Callable[[], Source], settings: Any, shelf: Any
) -> None:
    plain = (shelf / back_up().name).read_bytes()
    settings.BACKUP_ENCRYPTION_KEY = "first key " * 5
    source = back_up()
    (shelf / source.name).write_bytes(plain)
    with pytest.raises(Damaged, match="not encrypted"):
        restore_in_place(source=source, school_id=1, actor=ACTOR)
    with pytest.raises(Damaged, match="not encrypted"):
        restore_in_place(source=Source(name=source.name), school_id=1, actor=ACTOR)


def test_damage_on_the_shelf_is_found_and_noted(
    committed_school: School, back_up: Callable[[], Source], shelf: Any
) -> None:
    source, before = back_up(), schemas()
    raw = bytearray((shelf / source.name).read_bytes())
    raw[len(raw) // 2] ^= 4
    (shelf / source.name).write_bytes(raw)
    for deep in (False, True):
        with pytest.raises(Damaged):
            verify_backup(source=source, deep=deep)
    with pytest.raises(Damaged):
        restore_in_place(source=source, school_id=1, actor=ACTOR)
    assert schemas() == before
    assert source.row
    with in_public():
        source.row.refresh_from_db()
    assert not source.row.is_good
