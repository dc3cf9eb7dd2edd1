"""Makes the events of the figures known to every process that a figure starts."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    name = "benchmarks"

    def ready(self) -> None:
        from benchmarks.counting import register

        register()
