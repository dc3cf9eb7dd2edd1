from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "apps.activities"
    label = "activities"

    def ready(self) -> None:
        from apps.activities.services.signups import object_to_undo
        from apps.students import facade as students

        students.register_undo_guard(object_to_undo)
