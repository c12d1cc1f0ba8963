"""What people see of a simulator: its ledger, the newest first."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader

from adapters.simulators.controls import SHOWN
from domain.money import Money

pages = Environment(loader=PackageLoader("adapters.simulators"), autoescape=True)
pages.filters["money"] = lambda amount, currency: str(Money(amount=amount, currency=currency))


def ledger_page(name: str, entries: Sequence[dict[str, Any]], total: int, reference: str | None) -> str:
    """`entries`: the last ones of `total`, oldest first."""
    newest_first = entries[-SHOWN:][::-1]
    return pages.get_template(f"{name}.html").render(entries=newest_first, total=total, reference=reference or "")
