from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"

    def ready(self) -> None:
        from apps.events import facade as events
        from apps.tenants.hosts import find_school_by_schema
        from apps.tenants.selectors import resting_schools
        from apps.tenants.services.decisions import record_decision
        from apps.tenants.services.operations import ask_keeper_with
        from apps.tenants.tasks import ask_keeper
        from kernel import schools

        schools.find_with(find_school_by_schema)
        ask_keeper_with(ask_keeper)
        events.rest_with(resting_schools)
        events.audit_with(record_decision)
        # Every app's preferences.py declares its settings and features.
        autodiscover_modules("preferences")
        # Every app's provisioning.py registers what it does inside a new school.
        autodiscover_modules("provisioning")
        # … its meters.py, what it counts for the school's plan.
        autodiscover_modules("meters")
        # … its privacy.py, what it holds about people and for how long.
        autodiscover_modules("privacy")
        # … its restoring.py, what it does in a school that comes back from a backup.
        autodiscover_modules("restoring")
