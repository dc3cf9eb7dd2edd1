"""What may be done with accounts, and by whom."""

MANAGE_PEOPLE = "identity.manage_people"
VIEW_AUDIT = "identity.view_audit"

GRANTS: dict[str, tuple[str, ...]] = {
    MANAGE_PEOPLE: ("admin",),
    VIEW_AUDIT: ("admin",),
}
