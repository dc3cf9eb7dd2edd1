from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Installed by chaos.settings alone. It has no tables: the run makes them in each school."""

    name = "chaos"
    label = "chaos"

    def ready(self) -> None:
        """Every process of the run, worker and writer, knows its event and its consumers."""
        from apps.events.services.registry import registry
        from chaos import events

        registry().add_module(events, self.label)
        from chaos import handlers  # noqa: F401 - importing it registers them

        registry().check()
