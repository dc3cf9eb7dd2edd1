"""Celery's way in. Tasks of the queue "owner" are the keeper's: only it may make or drop tables.

Imported at start by every process, so that a module which registers an operation is known to all
of them by being imported here.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from celery import current_app

from apps.tenants.contracts import ACTIVE
from apps.tenants.selectors import list_schools
from apps.tenants.services import deletion, due, operations, privacy
from apps.tenants.services.backup import retention as backup_retention
from apps.tenants.services.backup import schedule as backup_schedule
from apps.tenants.services.backup import sources, verify
from apps.tenants.services.backup import work as backup_work  # noqa: F401 - registers operations
from apps.tenants.services.backup.take import BEAT
from apps.tenants.services.plans import rounds
from apps.tenants.services.schemas import cleaning, spares
from apps.tenants.services.sign_ups import opening
from kernel.errors import DomainError
from kernel.owner import OWNER_QUEUE
from kernel.schools import in_school
from kernel.tasks import PLATFORM, SCHOOL, task

log = structlog.get_logger("homeroom.tenants")


def ask_keeper(operation_id: str) -> None:
    """Tell the keeper that there is an operation."""
    run_operation.apply_async(kwargs={"operation_id": operation_id}, retry=False)


@task("tenants.run_operation", runs_in=PLATFORM, queue=OWNER_QUEUE)
def run_operation(*, operation_id: str, **_kwargs: Any) -> str:
    """Do what an operator asked for in the console."""
    return operations.run_operation(UUID(operation_id))


@task("tenants.retention", runs_in=PLATFORM)
def retention(**_kwargs: Any) -> int:
    """One message a school and queue; the keeper's rules go to the keeper. By beat, at night."""
    schools = list_schools(status=ACTIVE)
    for school in schools:
        names = {"schema_name": school.schema_name}
        retire_school.apply_async(kwargs=names, retry=False)
        retire_as_owner.apply_async(kwargs=names, retry=False)
    return len(schools)


@task("tenants.retire_school", runs_in=SCHOOL)
def retire_school(*, schema_name: str, **_kwargs: Any) -> int:
    """Let go in one school what nobody needs any more. Returns how many rows went."""
    return _retire(schema_name, owner=False)


@task("tenants.retire_as_owner", runs_in=SCHOOL, queue=OWNER_QUEUE)
def retire_as_owner(*, schema_name: str, **_kwargs: Any) -> int:
    """The rules that only the owner of the tables may carry out."""
    return _retire(schema_name, owner=True)


def _retire(schema_name: str, *, owner: bool) -> int:
    with in_school(schema_name):
        return sum(rule.done for rule in privacy.retire(owner=owner))


@task("tenants.sweep_operations", runs_in=PLATFORM, queue=OWNER_QUEUE)
def sweep_operations(**_kwargs: Any) -> int:
    """Take up operations that no message told of, end those whose process died. By beat."""
    return operations.sweep_operations()


@task("tenants.delete_due_schools", runs_in=PLATFORM, queue=OWNER_QUEUE)
def delete_due_schools(**_kwargs: Any) -> int:
    """Delete the schools whose grace period is over. By beat, at night."""
    return deletion.delete_due_schools()


@task("tenants.send_due_work", runs_in=PLATFORM)
def send_due_work(**_kwargs: Any) -> int:
    """One message for each school and task that is due. Reads one table. By beat."""
    return sum(_send(name, schema_name) for schema_name, name in due.take_due())


@task("tenants.send_all_work", runs_in=PLATFORM)
def send_all_work(**_kwargs: Any) -> int:
    """Once a day one message for each school and task, due or not: the net below the rows."""
    schools, tasks = due.working_schools(), due.due_tasks()
    return sum(_send(name, schema_name) for schema_name in schools for name in tasks)


def _send(name: str, schema_name: str) -> int:
    """Only tasks that this release knows: a row of an earlier one waits for the daily net."""
    known = current_app.tasks.get(name)
    if known is None:
        return 0
    expires = due.LEASE.total_seconds()
    known.apply_async(kwargs={"schema_name": schema_name}, retry=False, expires=expires)
    return 1


@task("tenants.keep_spares", runs_in=PLATFORM, queue=OWNER_QUEUE)
def keep_spares(**_kwargs: Any) -> int:
    """Have tables ready for the next schools. By beat, every ten seconds."""
    return spares.keep_spares()


@task("tenants.clean_half_made", runs_in=PLATFORM, queue=OWNER_QUEUE)
def clean_half_made(**_kwargs: Any) -> int:
    """Take away what killed processes left. By beat, every hour."""
    return cleaning.clean_half_made()


@task("tenants.count_usage", runs_in=PLATFORM)
def count_usage(**_kwargs: Any) -> int:
    """One message a school, so that none waits for another. By beat, at night."""
    schemas = rounds.schemas_to_visit()
    for schema_name in schemas:
        count_usage_of_school.apply_async(kwargs={"schema_name": schema_name}, retry=False)
    return len(schemas)


@task("tenants.count_usage_of_school", runs_in=SCHOOL)
def count_usage_of_school(*, schema_name: str, **_kwargs: Any) -> int:
    """What the school uses, its limits and its trial."""
    return rounds.nightly(schema_name=schema_name)


@task("tenants.bill_month", runs_in=PLATFORM)
def bill_month(**_kwargs: Any) -> int:
    """One message a school for the month that is over. By beat, on the first of the month; a
    second time bills nobody twice."""
    month = f"{rounds.last_month():%Y-%m}"
    schemas = rounds.schemas_to_bill()
    for schema_name in schemas:
        names = {"schema_name": schema_name, "month": month}
        bill_month_of_school.apply_async(kwargs=names, retry=False)
    return len(schemas)


@task("tenants.bill_month_of_school", runs_in=SCHOOL)
def bill_month_of_school(*, schema_name: str, month: str, **_kwargs: Any) -> bool:
    """The platform's invoice to this school."""
    return rounds.monthly(schema_name=schema_name, month=month)


@task("tenants.send_backups", runs_in=PLATFORM)
def send_backups(**_kwargs: Any) -> int:
    """One message for each school whose minute of the night has passed. By beat."""
    due_now = backup_schedule.due_schools()
    for school_id in due_now:
        back_up_school.apply_async(kwargs={"school_id": school_id}, retry=False, expires=600)
    return len(due_now)


@task("tenants.back_up_school", runs_in=PLATFORM, queue=OWNER_QUEUE)
def back_up_school(*, school_id: int, **_kwargs: Any) -> str:
    """The nightly backup of one school. A failure is told by its row, the log and an event."""
    try:
        return backup_schedule.back_up_if_due(school_id=school_id, actor=BEAT)
    except DomainError as error:
        log.error("backup failed", school_id=school_id, error=str(error))
        return "failed"


@task("tenants.tidy_backups", runs_in=PLATFORM, queue=OWNER_QUEUE)
def tidy_backups(**_kwargs: Any) -> int:
    """Remove the backups and replaced tables that need not be kept any more. By beat."""
    return backup_retention.prune_backups() + backup_retention.drop_replaced()


@task("tenants.send_verifications", runs_in=PLATFORM)
def send_verifications(**_kwargs: Any) -> int:
    """One message for each backup of this week's sample. By beat."""
    sample = backup_schedule.sample_to_verify()
    for backup in sample:
        verify_backup.apply_async(kwargs={"backup_id": str(backup.pk)}, retry=False)
    return len(sample)


@task("tenants.verify_backup", runs_in=PLATFORM, queue=OWNER_QUEUE)
def verify_backup(*, backup_id: str, **_kwargs: Any) -> str:
    """Restore one backup into a schema of its own, compare, and drop it again."""
    try:
        verify.verify_backup(source=sources.find_source(backup_id), deep=True)
    except DomainError as error:
        log.error("backup not good", backup=backup_id, error=str(error))
        return str(error)
    return "good"


@task("tenants.tidy_sign_ups", runs_in=PLATFORM)
def tidy_sign_ups(**_kwargs: Any) -> int:
    """Let go what was asked for and never confirmed. By beat, every hour."""
    return opening.tidy_sign_ups()
