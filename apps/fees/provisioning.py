"""What a new school gets from fees."""

from django.utils.translation import gettext_lazy

from apps.fees.services.catalogue import add_default_categories
from apps.tenants.facade import ProvisioningContext, provisioning_step


@provisioning_step(gettext_lazy("Fee categories added"))
def add_fee_categories(context: ProvisioningContext) -> None:
    """The usual categories, in the school's language."""
    add_default_categories()
