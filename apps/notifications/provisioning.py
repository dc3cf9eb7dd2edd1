"""The last step of making a school: its admin's invitation leaves the house.

It runs what a worker would do, so that a school can be made with no worker running.
"""

from django.utils.translation import gettext_lazy as _

from apps.events import facade as events
from apps.notifications import facade as notifications
from apps.tenants.contracts import ProvisioningContext
from apps.tenants.facade import provisioning_step


@provisioning_step(_("Invitation sent"), after_opening=True)
def send_invitation(context: ProvisioningContext) -> str | None:
    """A mail server that is down does not undo the school: the message waits, and we say so."""
    events.drain(context.school.schema_name)
    if notifications.counts().sent:
        return None
    notifications.send_due()
    if notifications.counts().sent:
        return None
    return str(_("Invitation waiting: the mail server does not answer, it is tried again"))
