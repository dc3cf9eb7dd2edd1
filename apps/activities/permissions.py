"""Who may see and run activities and the calendar. Families sign up by their own right."""

VIEW_ACTIVITIES = "activities.view_activities"
MANAGE_ACTIVITIES = "activities.manage_activities"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_ACTIVITIES: ("admin", "bursar", "office", "teacher"),
    MANAGE_ACTIVITIES: ("admin", "office"),
}
