"""How a run was asked for: every bench takes its sizes from here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    rounds: int = 3
    quick: bool = False
    """A smoke test: the smallest sizes, one round; its figures say nothing."""
    scale: float = 1.0
    """A share of the usual sizes, to try a bench out."""
    durable: bool = True
    """Also on a Temporal server with PostgreSQL persistence, where a bench needs Temporal."""

    def sized(self, usual: int, *, quick: int) -> int:
        return quick if self.quick else max(1, min(usual, max(quick, round(usual * self.scale))))
