from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from apps.identity import roles

        roles.learn_grants(collect_grants())
        user_logged_in.connect(remember_school, dispatch_uid="identity.remember_school")


def collect_grants() -> dict[str, dict[str, tuple[str, ...]]]:
    """GRANTS of every app's permissions module, so that no app has to register itself."""
    found = {}
    for config in apps.get_app_configs():
        if not config.name.startswith("apps."):
            continue
        module_name = f"{config.name}.permissions"
        if find_spec(module_name) is not None:
            found[config.label] = dict(getattr(import_module(module_name), "GRANTS", {}))
    return found


def remember_school(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Write into the session which school it belongs to; the gateway refuses it elsewhere."""
    from apps.identity.models import current_schema

    request.session["schema"] = current_schema()
