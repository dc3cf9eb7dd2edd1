"""What identity does when other apps tell something."""

from apps.events.facade import Delivery, handles
from apps.identity.services import audit
from kernel.schools import current_school

NOTHING = "–"


@handles("tenants.settings_changed", version=1)
def record_audit_on_settings_changed(delivery: Delivery) -> None:
    """One entry a save, with every setting before and after."""
    changes = delivery.event.changes
    audit.record(
        actor=delivery.actor,
        action="tenants.settings_changed",
        subject=current_school().name,
        detail={
            change.setting: f"{_shown(change.before)} → {_shown(change.after)}"
            for change in changes
        },
    )


def _shown(value: str) -> str:
    """On one line; an address has several."""
    return ", ".join(value.split("\n")) or NOTHING
