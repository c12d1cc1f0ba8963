"""Figures are kept beside each other, held to the aims, and drawn."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks import chart, report, results
from benchmarks.aims import AIMS, SHORT
from benchmarks.flow.parties import DBOS, PLAIN, THROUGHLINE
from benchmarks.results import BenchResult, Results, Table, summed_up


def flow(ours: float, dbos: float) -> Table:
    turns = {
        THROUGHLINE: [{"orders/s": ours - 1}, {"orders/s": ours}, {"orders/s": ours + 1}],
        DBOS: [{"orders/s": dbos}],
        PLAIN: [{"orders/s": 10.0}],
    }
    return summed_up(SHORT, "500 orders", turns, {DBOS: "as it comes"})


def bench(name: str, *tables: Table, quick: bool = False) -> BenchResult:
    return results.bench_result(name, list(tables), quick=quick, load_average=0.5)


def kept(*benches: BenchResult) -> Results:
    return Results(machine=results.machine(), benches={each.bench: each for each in benches})


def test_a_figure_is_the_median_of_its_rounds_with_their_range() -> None:
    (ours, _, _) = flow(20, 10).parties
    figure = ours.figures["orders/s"]
    assert (figure.median, figure.low, figure.high) == (20, 19, 21)


def test_one_bench_leaves_the_figures_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results.keep(bench("order_flow", flow(20, 10)), file)
    results.keep(bench("cost"), file)
    results.keep(bench("order_flow", flow(30, 10)), file)
    found = results.read(file)
    assert found is not None
    assert set(found.benches) == {"order_flow", "cost"}
    assert found.benches["order_flow"].tables[0].median(THROUGHLINE, "orders/s") == 30


def test_an_aim_is_met_or_missed_by_so_much() -> None:
    aim = next(aim for aim in AIMS if aim.what == "orders/s beside DBOS")
    assert aim.reached(kept(bench("order_flow", flow(20, 10)))) == 2
    assert aim.reached(kept()) is None
    assert aim.meets(1.0, aim.bound)
    assert not aim.meets(0.99, aim.bound)


def test_the_report_says_what_was_missed(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    report.write(kept(bench("order_flow", flow(8, 10))), file)
    text = file.read_text()
    (beside_dbos,) = [line for line in text.splitlines() if "orders/s beside DBOS |" in line]
    assert "0.80 ×" in beside_dbos
    assert "**missed** by 20%" in beside_dbos
    assert "not measured" in text
    assert "8 (7–9)" in text
    assert "- " + DBOS + ": as it comes." in text


def test_the_chart_is_drawn_from_the_figures(tmp_path: Path) -> None:
    file = tmp_path / "chart.svg"
    chart.write(kept(bench("order_flow", flow(20, 10))), file)
    root = ElementTree.fromstring(file.read_text())
    name = "{http://www.w3.org/2000/svg}"
    bars = root.findall(f"{name}rect")
    assert [float(bar.attrib["width"]) for bar in bars] == sorted(
        (float(b.attrib["width"]) for b in bars), reverse=True
    )
    assert float(bars[0].attrib["width"]) == pytest.approx(2 * float(bars[1].attrib["width"]), rel=0.01)
    assert "Throughline 20.0" in str(root.findtext(f"{name}title"))


def test_a_smoke_test_draws_nothing(tmp_path: Path) -> None:
    file = tmp_path / "chart.svg"
    chart.write(kept(bench("order_flow", flow(20, 10), quick=True)), file)
    assert not file.exists()
