"""What the other apps and the gateway may ask of tenants."""

from __future__ import annotations

from apps.tenants.contracts import Branding, Picture, Provisioned, ProvisioningContext, SchoolInfo
from apps.tenants.hosts import find_school_by_host, forget_hosts
from apps.tenants.selectors import current_school_info, find_school, get_school, list_schools
from apps.tenants.services import kinds, privacy
from apps.tenants.services.backup.hooks import after_restore, books
from apps.tenants.services.branding import branding_of, logo_for_print
from apps.tenants.services.domains import answer_challenge
from apps.tenants.services.due import looking_after, note_due_work, register_due_task
from apps.tenants.services.features import (
    Feature,
    all_features,
    declare_feature,
    feature_on,
    features_of,
)
from apps.tenants.services.figures import platform_figures
from apps.tenants.services.history import label_of
from apps.tenants.services.operations import OperationContext, operation, start_operation
from apps.tenants.services.outboxes import figures_of_schools, stuck_events
from apps.tenants.services.plans.limits import check_limit, notices_at_hand
from apps.tenants.services.plans.meters import amount_text, meter
from apps.tenants.services.provision import provision_school
from apps.tenants.services.reach import PLACE as CHALLENGE_PLACE
from apps.tenants.services.rules import (
    Setting,
    all_settings,
    declare,
    keep_currency_while,
    setting,
)
from apps.tenants.services.schemas.pending import what_this_code_waits_for
from apps.tenants.services.settings import change_settings, update_settings
from apps.tenants.services.steps import provisioning_step
from apps.tenants.services.welcome import welcome_link

__all__ = [
    "CHALLENGE_PLACE",
    "Branding",
    "Feature",
    "OperationContext",
    "Picture",
    "Provisioned",
    "ProvisioningContext",
    "SchoolInfo",
    "Setting",
    "after_restore",
    "all_features",
    "all_settings",
    "amount_text",
    "answer_challenge",
    "books",
    "branding_of",
    "change_settings",
    "check_limit",
    "current_school_info",
    "declare",
    "declare_feature",
    "feature_on",
    "features_of",
    "figures_of_schools",
    "find_school",
    "find_school_by_host",
    "forget_hosts",
    "get_school",
    "keep_currency_while",
    "kinds",
    "label_of",
    "list_schools",
    "logo_for_print",
    "looking_after",
    "meter",
    "note_due_work",
    "notices_at_hand",
    "operation",
    "platform_figures",
    "privacy",
    "provision_school",
    "provisioning_step",
    "register_due_task",
    "setting",
    "start_operation",
    "stuck_events",
    "update_settings",
    "welcome_link",
    "what_this_code_waits_for",
]
