"""What the other apps and the gateway may ask of tenants."""

from __future__ import annotations

from apps.tenants.contracts import Provisioned, ProvisioningContext, SchoolInfo
from apps.tenants.hosts import find_school_by_host, forget_hosts
from apps.tenants.selectors import current_school_info, get_school, list_schools
from apps.tenants.services.provision import provision_school
from apps.tenants.services.settings import update_settings
from apps.tenants.services.steps import provisioning_step

__all__ = [
    "Provisioned",
    "ProvisioningContext",
    "SchoolInfo",
    "current_school_info",
    "find_school_by_host",
    "forget_hosts",
    "get_school",
    "list_schools",
    "provision_school",
    "provisioning_step",
    "update_settings",
]
