"""The platform's own tables. They exist in the public schema only."""

from apps.tenants.models.backups import Backup, SideSchema
from apps.tenants.models.lifecycle import DeletedSchool, DueWork, Operation
from apps.tenants.models.plans import (
    LimitNotice,
    Plan,
    PlanAllowance,
    PlatformInvoice,
    PlatformInvoiceLine,
    PlatformNumber,
    PlatformPayment,
    Subscription,
    UsageMonth,
)
from apps.tenants.models.privacy import Erasure
from apps.tenants.models.schemas import MigrationScript, SpareSchool
from apps.tenants.models.school import (
    DEFAULT_COLOUR,
    Domain,
    OperatorAction,
    School,
    schema_name_for,
)
from apps.tenants.models.settings import SettingChange
from apps.tenants.models.sign_ups import SignUp, VisitorCount

__all__ = [
    "DEFAULT_COLOUR",
    "Backup",
    "DeletedSchool",
    "Domain",
    "DueWork",
    "Erasure",
    "LimitNotice",
    "MigrationScript",
    "Operation",
    "OperatorAction",
    "Plan",
    "PlanAllowance",
    "PlatformInvoice",
    "PlatformInvoiceLine",
    "PlatformNumber",
    "PlatformPayment",
    "School",
    "SettingChange",
    "SideSchema",
    "SignUp",
    "SpareSchool",
    "Subscription",
    "UsageMonth",
    "VisitorCount",
    "schema_name_for",
]
