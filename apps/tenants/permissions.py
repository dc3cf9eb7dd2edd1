"""Who may see and change a school's settings."""

VIEW_SETTINGS = "tenants.view_settings"
CHANGE_SETTINGS = "tenants.change_settings"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_SETTINGS: ("admin", "bursar", "office", "teacher"),
    CHANGE_SETTINGS: ("admin",),
}
