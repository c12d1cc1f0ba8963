"""Draws docs/order-flow.svg from results.json: orders a second from placing to collection, beside the peers."""

from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.aims import SHORT
from benchmarks.flow.parties import DBOS, DBOS_SHORT, ON_POSTGRES, PLAIN, RESTATE, THROUGHLINE
from benchmarks.results import Figure, Results, Table, read

FILE = Path(__file__).parent.parent / "docs" / "order-flow.svg"
LABELS = {
    THROUGHLINE: "Throughline",
    THROUGHLINE + ON_POSTGRES: "Throughline, Temporal on PostgreSQL",
    PLAIN: "plain Temporal workflow",
    PLAIN + ON_POSTGRES: "plain workflow, Temporal on PostgreSQL",
    DBOS: "DBOS, a workflow an order",
    DBOS_SHORT: "DBOS, a workflow a command",
    RESTATE: "Restate",
}
OUR_COLOUR = "#1a7f5a"
STYLE = """
text { fill: #24292f } .quiet { fill: #57606a } .range { stroke: #24292f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #9198a1 } .range { stroke: #e6edf3 } }
"""
LEFT, WIDTH, BAR, GAP, TOP = 290, 360, 22, 12, 64


def write(results: Results, file: Path = FILE) -> None:
    """Nothing is drawn before the order flow was measured."""
    bench = results.benches.get("order_flow")
    table = bench.table(SHORT) if bench else None
    if bench is None or table is None or bench.quick:
        return
    file.write_text(draw(table, f"{results.machine.cores} cores, commit {bench.commit}, {bench.at[:10]}"))


def draw(table: Table, note: str) -> str:
    """Bars from zero, the best first, with a line from the slowest round to the fastest."""
    rows = [(LABELS.get(party.party, party.party), party.figures["orders/s"], party.party) for party in table.parties]
    rows.sort(key=lambda row: -row[1].median)
    most = max(figure.high for _, figure, _ in rows)
    height = TOP + len(rows) * (BAR + GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" role="img"',
        ' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>Orders a second from placing to collection: {escape(_in_words(rows))}</title>",
        f"<style>{STYLE}</style>",
        '<text x="12" y="24" font-size="16" font-weight="600">Orders a second, from placing to collection</text>',
        f'<text x="12" y="44" class="quiet">{escape(table.load)}; median and range of {table.rounds} rounds</text>',
    ]
    for number, (label, figure, party) in enumerate(rows):
        parts += _bar(TOP + number * (BAR + GAP), label, figure, most, ours=party.startswith(THROUGHLINE))
    parts.append(f'<text x="12" y="{height - 10}" class="quiet" font-size="11">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _bar(y: int, label: str, figure: Figure, most: float, *, ours: bool) -> list[str]:
    def x(value: float) -> float:
        return round(LEFT + WIDTH * value / most, 1)

    middle, colour = y + BAR / 2, OUR_COLOUR if ours else "#8c959f"
    weight = ' font-weight="600"' if ours else ""
    return [
        f'<text x="{LEFT - 10}" y="{middle + 4.5}" text-anchor="end"{weight}>{escape(label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{round(x(figure.median) - LEFT, 1)}" height="{BAR}" rx="2" fill="{colour}"/>',
        f'<line x1="{x(figure.low)}" x2="{x(figure.high)}" y1="{middle}" y2="{middle}" class="range"/>',
        f'<text x="{x(figure.high) + 8}" y="{middle + 4.5}">{figure.median:.1f}</text>',
    ]


def _in_words(rows: list[tuple[str, Figure, str]]) -> str:
    return ", ".join(f"{label} {figure.median:.1f}" for label, figure, _ in rows)


if __name__ == "__main__":
    kept = read()
    if kept is None:
        raise SystemExit("There are no results yet; run `make bench`.")
    write(kept)
