"""The nightly and monthly rounds of one school: what a worker does with one message."""

from __future__ import annotations

from datetime import date

from apps.tenants.services.plans.invoices import BILL, bill_school
from apps.tenants.services.plans.limits import review_limits
from apps.tenants.services.plans.metering import (
    BILLABLE,
    MEASURED,
    billed_schools,
    measure_school,
    measured_schools,
)
from apps.tenants.services.plans.months import month_before, parse_month, this_month
from apps.tenants.services.plans.trials import review_trial
from kernel.schools import current_school, in_school


def schemas_to_visit() -> list[str]:
    """The schools that the nightly round goes to."""
    return [school.schema_name for school in measured_schools()]


def schemas_to_bill() -> list[str]:
    """The schools that the monthly round goes to."""
    return [school.schema_name for school in billed_schools()]


def nightly(*, schema_name: str) -> int:
    """Count what the school uses, raise or take back its notices, look after its trial.

    Returns how many meters stand at a notice.
    """
    with in_school(schema_name) as school:
        if school.status not in MEASURED:  # archived since the message was sent
            return 0
        school_id = current_school().id
        measure_school(school_id=school_id)
        noticed = review_limits()
        review_trial(school_id=school_id)
    return len(noticed)


def last_month() -> date:
    """The month that is billed now. Beat asks when it is over everywhere on earth."""
    return month_before(this_month("UTC"))


def monthly(*, schema_name: str, month: str) -> bool:
    """Bill a month ("2026-11"); True when an invoice was issued."""
    with in_school(schema_name) as school:
        school_id = current_school().id
    if school.status not in BILLABLE:
        return False
    bill = bill_school(school_id=school_id, month=parse_month(month), actor="homeroom")
    return bill.outcome == BILL
