from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"
    label = "payments"

    def ready(self) -> None:
        from apps.payments.services.accounts import money_was_taken
        from apps.tenants import facade as tenants

        tenants.keep_currency_while(money_was_taken)
