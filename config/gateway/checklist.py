"""What a new school does first. Each step is ticked by a fact, never by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.fees import facade as fees
from apps.fees.permissions import MANAGE_FEES, POST_BILLING_RUN
from apps.identity import facade as identity
from apps.identity.permissions import MANAGE_PEOPLE
from apps.payments import facade as payments
from apps.payments.permissions import MANAGE_ACCOUNTS
from apps.students import facade as students
from apps.students.permissions import IMPORT_FAMILIES
from apps.tenants.permissions import CHANGE_SETTINGS
from apps.website import facade as website
from apps.website.permissions import EDIT_SITE
from config.gateway.features import is_open
from kernel.access import STAFF_ROLES
from kernel.schools import current_school


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    title: Any  # lazily translated, like text
    text: Any
    url: str
    permission: str
    is_done: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    title: str
    text: str
    url: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The steps this person can do. Shown until `complete`."""

    steps: list[Step]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def complete(self) -> bool:
        return self.done == self.total


def _several_staff() -> bool:
    """More than the one administrator the school was made for."""
    held = identity.count_by_role()
    return sum(held.get(role, 0) for role in STAFF_ROLES) > 1


def _can_be_reached() -> bool:
    """An e-mail address or a phone; the street alone does not answer a question."""
    school = current_school()
    return bool(school.contact_email or school.contact_phone)


RULES = (
    Rule(
        title=_("Tell families about the school"),
        text=_("A few words, the head of school and the office hours for the public page."),
        url="/portal/website/",
        permission=EDIT_SITE,
        is_done=website.has_profile,
    ),
    Rule(
        title=_("Say how to reach the school"),
        text=_("E-mail address, phone and address, for the website and for families."),
        url="/portal/settings/",
        permission=CHANGE_SETTINGS,
        is_done=_can_be_reached,
    ),
    Rule(
        title=_("Invite your colleagues"),
        text=_("A bursar for the money, the office for people and news, teachers."),
        url="/portal/people/invite/",
        permission=MANAGE_PEOPLE,
        is_done=_several_staff,
    ),
    Rule(
        title=_("Import families"),
        text=_("Students, classes and guardians from one spreadsheet, checked before it counts."),
        url="/portal/students/import/",
        permission=IMPORT_FAMILIES,
        is_done=lambda: students.counts().students > 0,
    ),
    Rule(
        title=_("Connect a payment gateway"),
        text=_("So that families can pay by card. Cash and transfers work without it."),
        url="/portal/payments/accounts/",
        permission=MANAGE_ACCOUNTS,
        is_done=payments.can_take_payments,
    ),
    Rule(
        title=_("Create a fee"),
        text=_("Tuition, meals, trips: what it costs and when it is due."),
        url="/portal/fees/new/",
        permission=MANAGE_FEES,
        is_done=fees.has_fees,
    ),
    Rule(
        title=_("Post the first billing run"),
        text=_("See who is charged what before anything is sent."),
        url="/portal/fees/bill/",
        permission=POST_BILLING_RUN,
        is_done=lambda: fees.billing_runs_posted() > 0,
    ),
    Rule(
        title=_("Publish some news"),
        text=_("The first post of your own on the school's public site."),
        url="/portal/website/news/",
        permission=EDIT_SITE,
        is_done=website.has_own_news,
    ),
)


def checklist_for(user: Any) -> Checklist:
    """The steps the person may do, with what is done already."""
    return Checklist(
        steps=[
            Step(title=str(rule.title), text=str(rule.text), url=rule.url, done=rule.is_done())
            for rule in RULES
            if user.can(rule.permission) and is_open(rule.url, current_school())
        ]
    )
