"""Structured logs: one line an event, with the trace id and the school."""

import logging
import re
import sys
from typing import Any

import structlog

# A family link's token opens a balance: it stays out of every line, Django's own among them
# ("Gone: /family/l/…"), as do other one-time links.
_SECRET_PATHS = re.compile(
    r"/(family/l|invitation|password/reset|hooks/payments|start/confirm|start/school)/[^/\s\"'\\]+"
)

# Keys and signing secrets of gateways, and what is sent to prove who asks.
_SECRET_VALUES = re.compile(
    r"\b(?:(?:sk|rk)_(?:test|live)_|whsec_)[^\s\"'\\,;)]{8,}"
    r"|(?<=Bearer )[^\s\"'\\,;)]{16,}"
    r"|(?<=Basic )[A-Za-z0-9+/]{16,}=*"
    r"|(?<=access_token\": \")[^\"]+|(?<=access_token\":\")[^\"]+"
)
# Their lines below WARNING are of no use to us, or hold keys and bearer tokens.
QUIET = ("stripe", "urllib3", "celery.worker.strategy", "celery.app.trace", "celery.beat")


def loggable(text: str) -> str:
    """The text with the token of each one-time link taken out, and keys of gateways."""
    return _SECRET_VALUES.sub("[secret]", _SECRET_PATHS.sub(r"/\1/[token]", text))


def without_links(event: Any, _hint: Any = None) -> Any:
    """An error report with the tokens taken out, wherever in it a text holds one."""
    if isinstance(event, str):
        return loggable(event)
    if isinstance(event, dict):
        return {key: without_links(value) for key, value in event.items()}
    if isinstance(event, (list, tuple)):
        return [without_links(value) for value in event]
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(_config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook. Settings: LOG_JSON, LOG_LEVEL."""
    from django.conf import settings

    final = _renderer(settings.LOG_JSON)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *final,
                lambda _logger, _method, line: without_links(line),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.LOG_LEVEL)
    # Its DEBUG lines hold keys and bearer tokens.
    logging.getLogger("paypalrestsdk").setLevel(logging.WARNING)
    for noisy in QUIET:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _renderer(as_json: bool) -> list[Any]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Without the values of variables, which tracebacks of the default kind show.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
