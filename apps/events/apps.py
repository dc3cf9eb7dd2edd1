from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "apps.events"
    label = "events"

    def ready(self) -> None:
        """Collect every app's events and handlers; refuse to start when they do not fit."""
        from apps.events.services.attending import call_with
        from apps.events.services.discovery import discover
        from apps.events.services.wakeup import send_wake_ups_with
        from apps.events.tasks import send_call, send_wake_up

        discover()
        send_wake_ups_with(send_wake_up)
        call_with(send_call)
