"""Backup and restore of one school with 2,000 students and 50,000 ledger rows.

Peer: `pg_dump -n` of its schema into a file, `psql` of that file, and the ANALYZE that their manual
asks for afterwards, at the same number of schools. Ours writes an encrypted file with sums,
restores it into a schema of its own, compares all of it row by row, adds the books up, and opens it
as a new school. Then ours with many schools beside ours with few: it must not grow.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import date
from itertools import count as numbers
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from psycopg import sql
from psycopg.conninfo import make_conninfo

from apps.events.models import OutboxEvent
from apps.fees.models import Allocation, Charge, FamilyAccount, Invoice, Receipt
from apps.payments.models import Payment
from apps.students import demo
from apps.students.models import Student
from apps.tenants.services.backup.candidates import remove
from apps.tenants.services.backup.restoring import restore_as_new
from apps.tenants.services.backup.sources import of_row
from apps.tenants.services.backup.tables import tables_of
from apps.tenants.services.backup.take import take_backup
from benchmarks.harness import Result, judge, seconds
from benchmarks.schools import FIRST, many_schools
from config import backups, embedded
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import connection, in_public, in_school

FEW = 10
STUDENTS, INVOICES, ROUNDS = 2_000, 25_000, 5
SCHEMA = f"t_{FIRST:06d}"
_number = numbers(1)


def fill() -> None:
    """Families through the services; the ledger in bulk: a charge and an allocation an invoice."""
    with in_school(SCHEMA):
        demo.load_families(students=STUDENTS, families=STUDENTS * 3 // 5, seed=1)
        OutboxEvent.objects.all().delete()
        students = list(Student.objects.values_list("id", flat=True))
        invoices = [_invoice(n, students[n % len(students)]) for n in range(INVOICES)]
        Invoice.objects.bulk_create(invoices, batch_size=5000)
        Charge.objects.bulk_create([_charge(each) for each in invoices], batch_size=5000)
        _pay(invoices)
    # As autovacuum does in a school that is in use: the books are added up with its figures.
    _analyze()


def _analyze() -> None:
    with owner_session(autocommit=True) as session:
        tables = sql.SQL(", ").join(table.identifier for table in tables_of(session, SCHEMA))
        session.execute(sql.SQL("ANALYZE {}").format(tables))


def _invoice(number: int, student_id: UUID) -> Invoice:
    return Invoice(
        number=f"2026-{number:06d}",
        title="School fees, autumn",
        student_id=student_id,
        student_name="Ada Example",
        class_name="3 B",
        issued_on=date(2026, 9, 1),
        due_on=date(2026, 9, 15),
        currency="USD",
    )


def _charge(invoice: Invoice) -> Charge:
    return Charge(
        invoice=invoice,
        kind="fee",
        description="School fees, autumn",
        amount_minor=12_500,
        rule="fee_for_class",
        rule_inputs={"class": "3 B", "fee": "School fees"},
        why="School fees for everybody in 3 B",
        booked_on=date(2026, 9, 1),
    )


def _pay(invoices: list[Invoice]) -> None:
    """One payment with a receipt for each five invoices."""
    account = FamilyAccount.objects.create(household_id=uuid7())
    payments, receipts, allocations = [], [], []
    for start in range(0, len(invoices), 5):
        total, now = 5 * 12_500, timezone.now()
        payment = Payment(
            provider="offline",
            mode="offline",
            method="cash",
            payer_id=uuid7(),
            payer_name="Grace Example",
            description="School fees",
            currency="USD",
            amount_minor=total,
            captured_minor=total,
            idempotency_key=f"bench:{start}",
            started_at=now,
            captured_at=now,
            is_open=False,
            status="captured",
        )
        payments.append(payment)
        receipts.append(
            Receipt(
                number=f"R-{start:06d}",
                payment_id=payment.id,
                account=account,
                payer_id=payment.payer_id,
                payer_name=payment.payer_name,
                method="cash",
                amount_minor=total,
                currency="USD",
                paid_at=now,
            )
        )
        allocations += [
            Allocation(
                invoice=invoice,
                payment_id=payment.id,
                kind="payment",
                amount_minor=12_500,
                source_id=payment.id,
                booked_on=date(2026, 9, 10),
            )
            for invoice in invoices[start : start + 5]
        ]
    for rows in (payments, receipts, allocations):
        type(rows[0]).objects.bulk_create(rows, batch_size=5000)  # type: ignore[attr-defined]


def ours() -> float:
    connection.set_schema_to_public()
    made = []

    def there_and_back() -> None:
        row = take_backup(school_id=FIRST, actor="bench")
        slug = f"copy-{next(_number)}"
        made.append(restore_as_new(source=of_row(row), slug=slug, actor="bench").school)

    took = seconds(there_and_back)
    with in_public():
        for school in made:
            remove(school.schema_name)
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM tenants_domain WHERE tenant_id = %s", [school.id])
                cursor.execute("DELETE FROM tenants_school WHERE id = %s", [school.id])
    return took


def dump_and_psql() -> float:
    """Into a file and back under the same name; the school is renamed out of its way."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "school.sql"
        dumped = seconds(lambda: _run("pg_dump", "-n", SCHEMA, "-f", str(file)))
        _rename(SCHEMA, "bench_aside")
        try:
            loaded = seconds(lambda: _run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)))
            loaded += seconds(_analyze)
            with owner_session() as session:
                session.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))
        finally:
            _rename("bench_aside", SCHEMA)
    return dumped + loaded


def _rename(before: str, after: str) -> None:
    with owner_session() as session:
        rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        session.execute(rename.format(sql.Identifier(before), sql.Identifier(after)))


def _run(program: str, *arguments: str) -> None:
    programs = Path(embedded._postgres().bin_path)
    where = make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname=connection.settings_dict["NAME"])
    command = [str(programs / program), "-d", where, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=900)


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        settings.STORAGES = {**settings.STORAGES, "backups": backups.storage(folder)}
        settings.BACKUP_ENCRYPTION_KEY = "a key for the benchmark only, of no use elsewhere"
        with many_schools(FEW):
            fill()
            ours(), dump_and_psql()  # warm up
            few = [ours() for _ in range(ROUNDS)]
            peer = [dump_and_psql() for _ in range(ROUNDS)]
        with many_schools() as count:
            fill()
            ours()
            many = [ours() for _ in range(ROUNDS)]
    title = "backup and restore a school, 50,000 ledger rows"
    return [
        judge(
            f"{title}, {FEW} schools",
            ours=few,
            peer=peer,
            peer_name="pg_dump -n + psql + ANALYZE",
            unit="s",
            goal=1,
        ),
        judge(
            f"{title}, {count:,} schools",
            ours=many,
            peer=few,
            peer_name=f"the same at {FEW} schools",
            unit="s",
            goal=0.8,
        ),
    ]
