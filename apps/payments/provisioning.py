"""What payments does for a new school."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.payments.services import accounts
from apps.tenants import facade as tenants


@tenants.provisioning_step(_("Payment settings prepared"))
def open_payment_sandbox(context: object) -> None:
    """A practice account, so that a school can try everything before it connects a real one.

    No network: the webhook is registered when the first payment starts.
    """
    if settings.SANDBOX_URL:
        accounts.create_sandbox_account()
