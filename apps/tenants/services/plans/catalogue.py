"""The plans that the platform sells. Changing one makes a new version of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.models import OperatorAction, Plan, PlanAllowance
from apps.tenants.services.checks import check_currency, check_line
from apps.tenants.services.plans.meters import LIMITED
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public

PUBLISHED, WITHDRAWN = "plan.published", "plan.withdrawn"
_CODE = re.compile(r"[a-z][a-z0-9-]{1,31}")
MAX_NAME, MAX_TEXT, MAX_FEE, MAX_TRIAL = 60, 200, 10_000, 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`limit` None: no end. Each started `extra_unit` above `included` costs `extra_price_minor`
    (minor units of the plan's currency) a month."""

    included: int
    limit: int | None = None
    extra_unit: int = 1
    extra_price_minor: int = 0


def offered_plans(*, currency: str = "", on: date | None = None) -> list[Plan]:
    """The newest version of each plan that is in force and not withdrawn, cheapest first, with
    its allowances."""
    day = on or timezone.now().date()
    in_force = Q(active_from__lte=day, withdrawn_at__isnull=True)
    with in_public():
        newest = (
            Plan.objects.filter(active_from__lte=day)
            .order_by()
            .values("code", "currency")
            .annotate(newest=Max("version"))
            .values_list("code", "currency", "newest")
        )
        plans = Plan.objects.filter(in_force).prefetch_related("allowances")
        if currency:
            plans = plans.filter(currency=currency)
        known = set(newest)
        return [plan for plan in plans if (plan.code, plan.currency, plan.version) in known]


def offered_plan(*, code: str, currency: str) -> Plan:
    """The version of this plan that is sold now. Raises NotFound."""
    found = [plan for plan in offered_plans(currency=currency) if plan.code == code]
    if not found:
        message = _("There is no plan “%(code)s” in %(currency)s.")
        raise NotFound(message % {"code": code[:32], "currency": currency[:3]}, field="plan")
    return found[0]


def selling_currency(currency: str) -> str:
    """The currency a school of `currency` is billed in: its own where plans are sold in it."""
    sold = {plan.currency for plan in offered_plans()}
    if currency in sold or not sold:
        return currency
    return "USD" if "USD" in sold else sorted(sold)[0]


def all_plans() -> QuerySet[Plan]:
    """Every version ever made, for the console. Lazy: evaluate it in the public schema."""
    return Plan.objects.prefetch_related("allowances")


def get_plan(*, plan_id: UUID) -> Plan:
    """One version with its allowances. Raises NotFound."""
    with in_public():
        plan = Plan.objects.prefetch_related("allowances").filter(pk=plan_id).first()
    if plan is None:
        raise NotFound(_("There is no such plan."))
    return plan


def publish_plan(
    *,
    code: str,
    currency: str,
    name: str,
    price_minor: int,
    allowances: Mapping[str, Allowance],
    actor: str,
    text: str = "",
    payment_fee_bp: int = 0,
    trial_days: int = 30,
    active_from: date | None = None,
) -> Plan:
    """A new plan, or the next version of one; subscriptions keep the version they have.

    Prices are minor units of `currency` a month, `payment_fee_bp` hundredths of a percent of the
    payments received. Raises Invalid with the field that is wrong.
    """
    values = {
        "name": _checked_name(name),
        "text": check_line(text, field="text", longest=MAX_TEXT),
        "price_minor": _between(price_minor, 0, 10**10, "price"),
        "payment_fee_bp": _between(payment_fee_bp, 0, MAX_FEE, "payment_fee_bp"),
        "trial_days": _between(trial_days, 0, MAX_TRIAL, "trial_days"),
        "active_from": active_from or timezone.now().date(),
    }
    key = {"code": _checked_code(code), "currency": check_currency(currency)}
    _check_allowances(allowances)
    with in_public(), transaction.atomic():
        plan = _insert(key, values, actor)
        PlanAllowance.objects.bulk_create(
            PlanAllowance(
                plan=plan,
                meter=meter,
                included=allowance.included,
                limit=allowance.limit,
                extra_unit=allowance.extra_unit,
                extra_price_minor=allowance.extra_price_minor,
            )
            for meter, allowance in allowances.items()
        )
        OperatorAction.objects.create(
            actor=actor, action=PUBLISHED, detail={**key, "version": plan.version}
        )
    return get_plan(plan_id=plan.pk)


def _insert(key: dict[str, str], values: dict[str, object], actor: str) -> Plan:
    # The plan's other versions are locked, so that two operators do not make the same one.
    others = list(Plan.objects.select_for_update().filter(**key).order_by("-version"))
    position = others[0].position if others else 100
    version = others[0].version + 1 if others else 1
    return Plan.objects.create(
        **key, **values, version=version, position=position, created_by=actor
    )


def _checked_code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise Invalid(_("A code has small letters, digits and hyphens: “basic”."), field="code")
    return code


def _checked_name(name: str) -> str:
    cleaned = check_line(name, field="name", longest=MAX_NAME)
    if not cleaned:
        raise Invalid(_("Give the plan a name."), field="name")
    return cleaned


def _between(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise Invalid(
            _("Between %(least)d and %(most)d, please.") % {"least": least, "most": most},
            field=field,
        )
    return value


def _check_allowances(allowances: Mapping[str, Allowance]) -> None:
    for meter, allowance in allowances.items():
        if meter not in LIMITED:
            raise Invalid(_("A plan cannot limit this."), field=meter)
        if allowance.included < 0 or allowance.extra_unit < 1 or allowance.extra_price_minor < 0:
            raise Invalid(_("This cannot be negative."), field=meter)
        if allowance.limit is not None and allowance.limit < allowance.included:
            raise Invalid(_("The limit lies below what is included."), field=meter)


def withdraw_plan(*, plan_id: UUID, actor: str) -> Plan:
    """Sell it no longer; who has it keeps it. Raises NotFound, Conflict when it was withdrawn."""
    with in_public(), transaction.atomic():
        plan = Plan.objects.select_for_update().filter(pk=plan_id).first()
        if plan is None:
            raise NotFound(_("There is no such plan."))
        if plan.withdrawn_at is not None:
            raise Conflict(_("This plan is not sold any more."))
        plan.withdrawn_at = timezone.now()
        plan.save(update_fields=["withdrawn_at"])
        key = {"code": plan.code, "currency": plan.currency, "version": plan.version}
        OperatorAction.objects.create(actor=actor, action=WITHDRAWN, detail=key)
    return get_plan(plan_id=plan_id)
