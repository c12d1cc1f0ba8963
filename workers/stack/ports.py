"""Ports on the loopback address: the usual ones when they are free, others when not, none that another stack holds."""

import random
import socket
import sys
from dataclasses import dataclass, field

from workers.stack.errors import PortTaken

LOOPBACK = "127.0.0.1"
PREFERRED = {
    "api": 8180,
    "payments": 8181,
    "mail": 8182,
    "carriage": 8183,
    "smtp": 8125,
    "database": 5532,
    "temporal": 7233,
    "temporal_ui": 8233,
}
OTHERS = range(20_000, 32_000)
"""Below the range that Linux takes outgoing connections from, so that no passing connection takes a port from us."""


@dataclass
class Ports:
    """Picks ports and holds them until closed, also between picking and the moment a server listens.

    A port is held by a lock of the same number in the abstract socket namespace (Linux), which ends with the process.
    """

    _held: list[socket.socket] = field(default_factory=list)

    def pick(self, name: str, asked: int | None = None, *, preferred: bool = True) -> int:
        """A free port for `name`: the one asked for, else the usual one, else any. Raises `PortTaken` for the first."""
        if asked:
            if self._take(asked):
                return asked
            raise PortTaken(
                f"Port {asked} is taken by another program.",
                "Stop that program, name another port, or leave the port out and a free one is picked.",
            )
        if preferred and self._take(PREFERRED[name]):
            return PREFERRED[name]
        for port in random.sample(OTHERS, 200):
            if self._take(port):
                return port
        raise PortTaken("No free port was found on the loopback address.", "Stop programs that are no longer needed.")

    def close(self) -> None:
        """Let go of all ports."""
        while self._held:
            self._held.pop().close()

    def _take(self, port: int) -> bool:
        if not is_free(port):
            return False
        if sys.platform != "linux":
            return True
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0throughline/{port}")
        except OSError:
            lock.close()
            return False
        self._held.append(lock)
        return True


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier server that linger are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
