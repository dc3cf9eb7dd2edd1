"""Which of the things of a school an address asks for.

A route with a parameter that no builder knows fails a test: a new page cannot be forgotten.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from kernel.ids import uuid7
from tests.architecture.routes import Route
from tests.tenancy.things import Things

# <uuid:student_id>, or (?P<digest>[0-9a-f]{16}) in a route by regular expression.
PARAMETER = re.compile(r"<(?:\w+:)?(?P<name>\w+)>|\(\?P<(?P<group>\w+)>[^)]*\)")

Builder = Callable[[Things], Any]

BY_NAME: dict[str, Builder] = {
    "account_id": lambda a: a.account.pk,
    "activity_id": lambda a: a.activity.pk,
    "approval_id": lambda a: a.approval_id,
    "backup_id": lambda a: a.backup_id,
    "category_id": lambda a: a.category_id,
    "class_id": lambda a: a.school_class.pk,
    "digest": lambda a: a.logo_digest,
    "discrepancy_id": lambda a: a.discrepancy_id,
    "dispute_id": lambda a: a.dispute_id,
    "document_id": lambda a: a.document.pk,
    "domain_id": lambda a: a.domain_id,
    "event_id": lambda a: a.provider_event_id,
    "fee_id": lambda a: a.fee_id,
    "guardian_id": lambda a: a.guardian.pk,
    "guardianship_id": lambda a: a.guardianship_id,
    "hold_id": lambda a: a.hold_id,
    "import_id": lambda a: a.import_id,
    "invoice_id": lambda a: a.invoice.id,
    "letter_id": lambda a: a.letter_id,
    "line_id": lambda a: a.line_id,
    "method_id": lambda a: a.saved_method_id,
    "message_id": lambda a: a.message.pk,
    "news_id": lambda a: a.news.pk,
    "operation_id": lambda a: a.operation_id,
    "page_id": lambda a: a.page.pk,
    "payment_id": lambda a: a.payment_id,
    "payout_id": lambda a: a.payout_id,
    "plan_id": lambda a: a.plan_id,
    "refund_id": lambda a: a.refund_id,
    "run_id": lambda a: a.run_id,
    "school_id": lambda a: a.school_id,
    "sign_up_id": lambda a: a.sign_up_id,
    "statement_id": lambda a: a.statement_id,
    "student_id": lambda a: a.student.pk,
    "user_id": lambda a: a.user.pk,
    "variant": lambda a: "header",
    "webhook_key": lambda a: a.account.webhook_key,
}
# Parameters whose name says too little: by the beginning of the path.
BY_PATH: dict[tuple[str, str], Builder] = {
    ("/api/v1/activities/", "pk"): lambda a: a.activity.pk,
    ("/api/v1/classes/", "pk"): lambda a: a.school_class.pk,
    ("/api/v1/fees/", "pk"): lambda a: a.fee_id,
    ("/api/v1/guardians/", "pk"): lambda a: a.guardian.pk,
    ("/api/v1/invoices/", "pk"): lambda a: a.invoice.id,
    ("/api/v1/news/", "pk"): lambda a: a.news.pk,
    ("/api/v1/notifications/", "pk"): lambda a: a.message.pk,
    ("/api/v1/payments/", "pk"): lambda a: a.payment_id,
    ("/api/v1/students/", "pk"): lambda a: a.student.pk,
    ("/family/l/", "token"): lambda a: a.family_token,
    ("/invitation/", "token"): lambda a: a.invitation_token,
    ("/news/", "slug"): lambda a: a.news.slug,
    ("/pages/", "slug"): lambda a: a.page.slug,
    ("/password/reset/", "token"): lambda a: a.reset_token,
    ("/portal/activities/calendar/", "entry_id"): lambda a: a.entry.pk,
    ("/operator/invoices/", "invoice_id"): lambda a: a.platform_invoice_id,
    ("/portal/settings/plan/", "invoice_id"): lambda a: a.platform_invoice_id,
    ("/start/", "token"): lambda a: a.sign_up_token,
    ("/portal/website/staff/", "entry_id"): lambda a: a.staff_entry.pk,
}
# Parameters that name no object of a school but one of a few words, the same everywhere: of an
# object's address, and routes that have no object at all.
SAME = {"variant"}
NO_OBJECT = {"/portal/settings/<slug:group>/", "/portal/settings/plan/choose/<slug:code>/"}
# What forms and filters call the objects they take: {field: builder}.
FIELDS: dict[str, Builder] = {
    "account": lambda a: a.account.pk,
    "category": lambda a: a.category_id,
    "category_id": lambda a: a.category_id,
    "class": lambda a: a.school_class.pk,
    "class_id": lambda a: a.school_class.pk,
    "classes": lambda a: a.school_class.pk,
    "fee": lambda a: a.fee_id,
    "household_id": lambda a: a.student.household_id,
    "invoice": lambda a: a.invoice.id,
    "invoices": lambda a: a.invoice.id,
    "payer": lambda a: a.guardian.pk,
    "student": lambda a: a.student.pk,
    "student_id": lambda a: a.student.pk,
    "token": lambda a: a.family_token,
}


def parameters(route: Route) -> list[str]:
    return [match["name"] or match["group"] for match in PARAMETER.finditer(route.path)]


def builder(route: Route, name: str) -> Builder | None:
    for (prefix, parameter), build in BY_PATH.items():
        if name == parameter and route.path.startswith(prefix):
            return build
    return BY_NAME.get(name)


def real(route: Route, things: Things) -> dict[str, str]:
    """The parameters of the address with the school's own objects in them."""
    found = {name: builder(route, name) for name in parameters(route)}
    return {name: str(build(things)) for name, build in found.items() if build is not None}


def random_like(values: dict[str, str]) -> dict[str, str]:
    """Parameters of the same shape that nothing anywhere answers to."""
    known = {value: _random_like(value) for value in values.values()}
    return {name: value if name in SAME else known[value] for name, value in values.items()}


def _random_like(value: str) -> str:
    if value.isdecimal():
        return str(900_000_000 + secrets.randbelow(10_000_000))
    try:
        UUID(value)
    except ValueError:
        return re.sub(r"[A-Za-z0-9]", lambda _: secrets.choice("abcdef23456789"), value)
    return str(uuid7())


def fill(route: Route, values: dict[str, str]) -> str:
    """The address. A parameter without a builder (which fails a test of its own) stays a word."""
    path = PARAMETER.sub(lambda m: values.get(m["name"] or m["group"], "unknown"), route.path)
    return path.replace("\\.", ".")
