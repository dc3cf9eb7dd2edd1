"""What a new school gets from students."""

from django.utils.translation import gettext_lazy as _

from apps.students.services.years import ensure_current_year
from apps.tenants.facade import ProvisioningContext, provisioning_step


@provisioning_step(_("First school year opened"))
def open_first_school_year(context: ProvisioningContext) -> None:
    """A school year for classes and imports to go to."""
    ensure_current_year()
