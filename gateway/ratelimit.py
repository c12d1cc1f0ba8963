"""So many requests a minute for each key; who asks for more waits, and nobody else notices.

The window is kept in the memory of one API process: with several processes a key may reach the limit in each.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.problems import Problem, ProblemKind

REQUESTS_A_MINUTE = 6000


class RateLimit:
    def __init__(self, a_minute: int = REQUESTS_A_MINUTE):
        self._limit = RateLimitItemPerMinute(a_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def count(self, key: str) -> None:
        """Count one request of `key`. Raises 429 when it is one too many; refused requests are not counted."""
        if self._window.hit(self._limit, key):
            return
        free_at = self._window.get_window_stats(self._limit, key).reset_time
        seconds = max(1, math.ceil(free_at - time.time()))
        raise Problem(
            ProblemKind.RATE_LIMITED,
            f"At most {self._limit.amount} requests a minute for one key. Go on after the time in Retry-After.",
            headers={"Retry-After": str(seconds)},
        )
