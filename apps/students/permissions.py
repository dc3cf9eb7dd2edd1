"""Who may see and change students, guardians and classes."""

VIEW_STUDENTS = "students.view_students"
CHANGE_STUDENTS = "students.change_students"
IMPORT_FAMILIES = "students.import_families"
# Export and erase everything the school holds about somebody.
ERASE_PERSON = "students.erase_person"

GRANTS: dict[str, tuple[str, ...]] = {
    VIEW_STUDENTS: ("admin", "bursar", "office", "teacher"),
    CHANGE_STUDENTS: ("admin", "office"),
    IMPORT_FAMILIES: ("admin", "bursar", "office"),
    ERASE_PERSON: ("admin",),
}
