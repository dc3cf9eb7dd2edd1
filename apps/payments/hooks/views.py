"""Where gateways send their messages: check, keep, answer. What they mean is a worker's work."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.payments.hooks.wakeup import wake_worker
from apps.payments.providers.base import BadSignature, ProviderError
from apps.payments.services import webhooks
from kernel.access import PUBLIC, access
from kernel.errors import NotFound
from kernel.schools import current_school


@access(PUBLIC)
@csrf_exempt
@require_POST
def receive(request: HttpRequest, webhook_key: str) -> HttpResponse:
    """200 for a message that is kept, or was before; 400 for one that is not for this account, or
    larger than any gateway's; 404 for an address that is nobody's; 503 while the gateway cannot be
    asked whether the message is its own."""
    if _is_too_large(request):
        return _plain("The message is too large.", status=400)
    try:
        body = request.read(webhooks.MAX_BODY_BYTES + 1)
    except (OSError, RawPostDataException):
        return _plain("The message broke off.", status=400)
    if len(body) > webhooks.MAX_BODY_BYTES:
        return _plain("The message is too large.", status=400)
    return _answer(webhook_key, body, request)


def _answer(webhook_key: str, body: bytes, request: HttpRequest) -> HttpResponse:
    try:
        event_id, fresh = webhooks.receive(
            webhook_key=webhook_key, body=body, headers=request.headers
        )
    except BadSignature as error:
        return _plain(error.detail, status=400)
    except ProviderError:
        return _plain("The signature cannot be checked now. Send it again.", status=503)
    except NotFound:
        return _plain("There is no such address.", status=404)
    if fresh:
        wake = partial(
            wake_worker,
            schema_name=current_school().schema_name,
            provider_event_id=event_id,
        )
        transaction.on_commit(wake, robust=True)
    return _plain("received" if fresh else "known", status=200)


def _is_too_large(request: HttpRequest) -> bool:
    try:
        return int(request.headers.get("Content-Length") or 0) > webhooks.MAX_BODY_BYTES
    except ValueError:
        return True


def _plain(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
