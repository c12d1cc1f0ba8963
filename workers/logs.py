"""One log for everything in a process: structlog's and the standard library's records, redacted, as lines or JSON."""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryFilter

from workers.redaction import redact

Format = Literal["console", "json"]
Level = Literal["debug", "info", "warning", "error"]

# Chatty at "info", or liable to quote what they send: they speak when something is wrong.
_QUIET = (
    "httpx",
    "httpcore",
    "sqlalchemy",
    "psycopg",
    "psycopg.pool",
    "asyncio",
    "aiosmtplib",
    "mail.log",
    "uvicorn.access",
)
_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


def configure_logging(format_: Format = "console", level: Level = "info", stream: TextIO | None = None) -> None:
    """Set up this process's log on `stream` (standard error unless given). May be called again."""
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    both: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *both,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*both, structlog.stdlib.ExtraAdder(allow=None)],
        processors=[
            _without_internals,
            # Text before redaction: an exception's message may quote anything.
            structlog.processors.format_exc_info,
            redact,
            _renderer(format_, stream),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "_throughline", False):
            root.removeHandler(old)
    handler._throughline = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(number)
    for name in _OWN_HANDLERS:
        own = logging.getLogger(name)
        own.handlers.clear()
        own.propagate = True
        own.setLevel(logging.NOTSET)  # the root's, whatever a server that ran in this process before has set
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def temporal_logging(level: Level = "warning") -> LoggingConfig:
    """The SDK core's logs, sent through the process's log: on standard output they would spoil `--json`."""
    core = {"debug": "DEBUG", "info": "INFO", "warning": "WARN", "error": "ERROR"}[level]
    return LoggingConfig(
        filter=TelemetryFilter(core_level=core, other_level="ERROR"),
        forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
    )


def _renderer(format_: Format, stream: TextIO) -> Processor:
    if format_ == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())


def _without_internals(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    for name in [name for name in event if name.startswith(("_", "temporal_workflow", "temporal_activity"))]:
        # `_record` and `_from_structlog`, and the SDK's extras, whose ids its messages carry already.
        del event[name]
    return event
