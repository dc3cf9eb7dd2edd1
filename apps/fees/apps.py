from django.apps import AppConfig


class FeesConfig(AppConfig):
    name = "apps.fees"
    label = "fees"

    def ready(self) -> None:
        from apps.fees.services.guards import invoices_stand
        from apps.students import facade as students

        students.register_undo_guard(invoices_stand)
