"""What a new school gets from identity: an invitation for its first admin."""

from django.utils.translation import gettext_lazy as _

from apps.identity import facade as identity
from apps.identity import roles
from apps.tenants import facade as tenants
from apps.tenants.contracts import ProvisioningContext


@tenants.provisioning_step(_("Administrator invited"))
def invite_first_admin(context: ProvisioningContext) -> None:
    """The link goes out with the event, inside the same transaction as the school itself."""
    identity.invite_user(
        email=context.admin_email,
        name=context.admin_name or context.admin_email.split("@")[0],
        roles=[roles.ADMIN],
        invited_by="homeroom",
    )


@tenants.welcome_link
def link_of_first_admin(email: str) -> str:
    """Where whoever has just signed the school up goes on."""
    return identity.open_invitation_url(email)
