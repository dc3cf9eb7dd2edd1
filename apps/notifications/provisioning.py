"""The last step of making a school: its admin's invitation leaves the house.

It runs what a worker would do, so that a school can be made with no worker running.
"""

from django.utils.translation import gettext_lazy as _

from apps.events import facade as events
from apps.notifications.services.delivery import send_due
from apps.tenants.contracts import ProvisioningContext
from apps.tenants.facade import provisioning_step


@provisioning_step(_("Invitation sent"))
def send_invitation(context: ProvisioningContext) -> None:
    """A mail server that is down does not undo the school: the message stays queued."""
    events.drain(context.school.schema_name)
    send_due()
