"""Who may see and change students, guardians and classes."""

VIEW_STUDENTS = "students.view_students"
CHANGE_STUDENTS = "students.change_students"
IMPORT_FAMILIES = "students.import_families"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_STUDENTS: ("admin", "bursar", "office", "teacher"),
    CHANGE_STUDENTS: ("admin", "office"),
    IMPORT_FAMILIES: ("admin", "bursar", "office"),
}
