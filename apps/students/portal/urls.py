"""/portal/students/"""

from django.urls import URLPattern, URLResolver, path

from apps.students.portal.views import classes, guardians, imports, privacy, students

app_name = "students"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", students.student_list, name="list"),
    path("add/", students.student_add, name="add"),
    path("classes/", classes.class_list, name="classes"),
    path("classes/add/", classes.class_add, name="class_add"),
    path("classes/<uuid:class_id>/", classes.class_detail, name="class"),
    path("classes/<uuid:class_id>/edit/", classes.class_edit, name="class_edit"),
    path("guardians/", guardians.guardian_list, name="guardians"),
    path("guardians/<uuid:guardian_id>/", guardians.guardian_detail, name="guardian"),
    path("guardians/<uuid:guardian_id>/edit/", guardians.guardian_edit, name="guardian_edit"),
    path("guardians/<uuid:guardian_id>/export/", privacy.guardian_export, name="guardian_export"),
    path("guardians/<uuid:guardian_id>/erase/", privacy.guardian_erase, name="guardian_erase"),
    path("import/", imports.import_upload, name="import"),
    path("import/<uuid:import_id>/", imports.import_detail, name="import_detail"),
    path("import/<uuid:import_id>/confirm/", imports.import_confirm, name="import_confirm"),
    path("import/<uuid:import_id>/undo/", imports.import_undo, name="import_undo"),
    path("import/<uuid:import_id>/discard/", imports.import_discard, name="import_discard"),
    path("import/<uuid:import_id>/problems.csv", imports.import_problems, name="import_problems"),
    path("<uuid:student_id>/", students.student_detail, name="detail"),
    path("<uuid:student_id>/edit/", students.student_edit, name="edit"),
    path("<uuid:student_id>/withdraw/", students.student_withdraw, name="withdraw"),
    path("<uuid:student_id>/export/", privacy.student_export, name="export"),
    path("<uuid:student_id>/erase/", privacy.student_erase, name="erase"),
    path("<uuid:student_id>/guardians/add/", guardians.guardian_add, name="guardian_add"),
    path(
        "<uuid:student_id>/guardians/<uuid:guardianship_id>/edit/",
        guardians.guardianship_edit,
        name="guardianship_edit",
    ),
    path(
        "<uuid:student_id>/guardians/<uuid:guardianship_id>/remove/",
        guardians.guardianship_remove,
        name="guardianship_remove",
    ),
]
