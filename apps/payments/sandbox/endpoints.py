"""Where an account wants its messages: webhook endpoints and their secrets."""

from __future__ import annotations

from apps.payments.sandbox import wire
from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.wire import Json, WireError


class Endpoints(Objects):
    """Webhook endpoints. The secret is told once, in the answer that makes one."""

    def create_endpoint(self, account: str, params: Json) -> Json:
        endpoint: Json = {
            "id": wire.new_id("we"),
            "object": "webhook_endpoint",
            "created": wire.now(),
            "enabled_events": _event_types(params),
            "livemode": False,
            "metadata": wire.mapping(params, "metadata"),
            "secret": wire.new_id("whsec"),
            "status": "enabled",
            "url": _address(params),
        }
        self.store.put(account, "webhook_endpoint", endpoint)
        return endpoint

    def update_endpoint(self, account: str, endpoint_id: str, params: Json) -> Json:
        """Another address or other events; `disabled` switches it off and on."""
        endpoint = self.object(account, "webhook_endpoint", endpoint_id)
        if "url" in params:
            endpoint["url"] = _address(params)
        if "enabled_events" in params:
            endpoint["enabled_events"] = _event_types(params)
        if "disabled" in params:
            off = str(params["disabled"]).lower() == "true"
            endpoint["status"] = "disabled" if off else "enabled"
        self.store.put(account, "webhook_endpoint", endpoint)
        return endpoint

    def delete_endpoint(self, account: str, endpoint_id: str) -> Json:
        """Messages that were still on their way are not sent any more."""
        self.object(account, "webhook_endpoint", endpoint_id)
        self.store.remove(account, endpoint_id)
        self.store.rows("DELETE FROM delivery WHERE endpoint = ?", endpoint_id)
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def _address(params: Json) -> str:
    if not params.get("url"):
        raise wire.missing("url")
    url = str(params["url"])
    if not url.startswith(("http://", "https://")):
        raise WireError(400, "Invalid URL", code="url_invalid", param="url")
    return url


def _event_types(params: Json) -> list[str]:
    types = params.get("enabled_events")
    if not isinstance(types, list) or not types:
        raise wire.missing("enabled_events")
    return [str(name) for name in types]
