from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "apps.activities"
    label = "activities"

    def ready(self) -> None:
        from apps.activities.services.activities import fees_are_set
        from apps.activities.services.signups import object_to_undo
        from apps.students import facade as students
        from apps.tenants import facade as tenants

        tenants.keep_currency_while(fees_are_set)
        students.register_undo_guard(object_to_undo)
