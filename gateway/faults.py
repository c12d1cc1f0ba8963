"""What nobody expected: an outage answers 503 with `Retry-After`, a bug answers 500; neither shows its insides."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import Problem, ProblemKind, unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outage:
    """Exceptions that mean: `system` is away for now. Given by whoever knows the drivers."""

    system: str
    means_away: Callable[[BaseException], bool]
    retry_after: int = 2
    """Seconds."""


class FaultBarrier:
    """The last catcher. It logs the kind of an exception and where it rose, never its text: that may carry values."""

    def __init__(self, app: ASGIApp, outages: Sequence[Outage] = ()):
        self.app = app
        self.outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            log.info("client_left", method=scope["method"])
        except Exception as error:
            problem = self.problem(error)
            if started:
                raise  # too late for another answer: the server closes the connection
            await problem.response()(scope, receive, send)

    def problem(self, error: Exception) -> Problem:
        for outage in self.outages:
            if any(outage.means_away(each) for each in causes(error)):
                log.warning("system_away", system=outage.system, error=type(error).__name__)
                return unavailable(outage.system, outage.retry_after)
        log.error("request_failed", error=" < ".join(type(each).__name__ for each in causes(error)), at=frames(error))
        return Problem(
            ProblemKind.INTERNAL, "The fault is logged. Try again; if it stays, tell operations when it was."
        )


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised from."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def frames(error: BaseException) -> list[str]:
    """Where it rose, innermost last; the lines of code, not the values in them."""
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
