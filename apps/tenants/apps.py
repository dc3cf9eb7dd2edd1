from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"

    def ready(self) -> None:
        # Every app's provisioning.py registers what it does inside a new school.
        autodiscover_modules("provisioning")
