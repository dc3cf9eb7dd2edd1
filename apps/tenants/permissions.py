"""Who may see and change a school's settings."""

VIEW_SETTINGS = "tenants.view_settings"
CHANGE_SETTINGS = "tenants.change_settings"
# The pages of the settings. On each a person changes what its own permission allows: a bursar
# the rules of fees, an administrator all.
OPEN_SETTINGS = "tenants.open_settings"

VIEW_PLAN = "tenants.view_plan"
CHANGE_PLAN = "tenants.change_plan"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_SETTINGS: ("admin", "bursar", "office", "teacher"),
    CHANGE_SETTINGS: ("admin",),
    VIEW_PLAN: ("admin", "bursar"),
    CHANGE_PLAN: ("admin",),
    OPEN_SETTINGS: ("admin", "bursar"),
}
