"""SIGKILL for a program of a stack; the stack starts it again."""

import os
import signal
from collections.abc import Callable

from workers.stack.stack import Stack


def killer(stack: Stack, name: str) -> Callable[[], None]:
    """Kills the program, or all of that name, when it is called."""

    def kill() -> None:
        pid = stack.record()["pids"][name]
        for each in pid if isinstance(pid, list) else [pid]:
            os.kill(each, signal.SIGKILL)

    return kill
