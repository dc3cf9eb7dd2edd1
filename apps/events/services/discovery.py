"""Start: collect the events and handlers of every installed app."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from apps.events.services import projections
from apps.events.services.registry import registry


def discover() -> None:
    """Fill the registry in order of installation (low apps first) and check it.

    Raises RegistryError when an event has no sample, or a handler or projection hears nothing.
    """
    own = [config for config in apps.get_app_configs() if config.name.startswith("apps.")]
    for config in own:
        _take_events(config)
    for config in own:
        _import(config, "handlers")
        _import(config, "projections")
    registry().check(also=projections.problems())


def _take_events(config: AppConfig) -> None:
    if _has(config, "events"):
        registry().add_module(import_module(f"{config.name}.events"), config.label)


def _import(config: AppConfig, module: str) -> None:
    if _has(config, module):
        import_module(f"{config.name}.{module}")


def _has(config: AppConfig, module: str) -> bool:
    return config.module is not None and module_has_submodule(config.module, module)
