from django.apps import AppConfig


class FeesConfig(AppConfig):
    name = "apps.fees"
    label = "fees"

    def ready(self) -> None:
        from apps.fees.services.guards import invoices_stand, money_is_written
        from apps.students import facade as students
        from apps.tenants import facade as tenants

        tenants.keep_currency_while(money_is_written)
        students.register_undo_guard(invoices_stand)
