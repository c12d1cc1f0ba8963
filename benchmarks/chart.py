"""Draws docs/order-flow.svg from results.json."""

from benchmarks.results import Results


def write(results: Results) -> None:
    """TODO"""
