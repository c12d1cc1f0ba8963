"""A proposed rule set beside the one that counts, on past orders."""

from domain.sourcing import Filters, Snapshot, simulate, snapshot_of, source
from tests.domain.sourcing.sample_sourcing import anywhere, line, order, place, rules

NOW, NEAR = rules(), rules(anywhere(filters=Filters(max_km=100)), version=2)
PLACES = (
    place("S1", {"A": 1, "C": 4}, km=10),
    place("S2", {"B": 1}, km=20, buffers={"B": 0, "C": 3}),
    place("S3", {"A": 1, "B": 1}, km=300),
    place("S4", {"C": 5}, km=1),
)


def test_splits_cost_distance_and_load_stand_beside_each_other() -> None:
    orders = [
        Snapshot(request=order(line(1, "A"), line(2, "B"), name="o-1"), candidates=PLACES),
        Snapshot(request=order(line(1, "A"), name="o-2"), candidates=PLACES),
        Snapshot(request=order(line(1, "A"), line(2, "Z"), name="o-3"), candidates=PLACES),
    ]
    found = simulate(NOW, NEAR, orders)
    assert (found.now.splits, found.proposed.splits) == (0, 1)
    assert (found.now.cost, found.proposed.cost) == (800 + 510 + 510, 510 + 520 + 510 + 510)
    assert round(found.now.distance / 1000) == 320
    assert found.now.by_location == {"S1": 2, "S3": 1}
    assert found.proposed.by_location == {"S1": 3, "S2": 1}
    assert found.now.waiting == found.proposed.waiting == {"unfillable": 1}
    assert [each.order_id for each in found.changed] == ["o-1"]
    assert found.changed[0].now.parts == {"S3": ("1", "2")}
    assert found.changed[0].proposed.parts == {"S1": ("1",), "S2": ("2",)}


def test_a_snapshot_keeps_what_decides_and_no_more() -> None:
    request = order(line(1, "A"), line(2, "B"))
    kept = snapshot_of(request, PLACES)
    assert [(each.location_id, each.stock, each.buffers) for each in kept.candidates] == [
        ("S1", {"A": 1}, {}),
        ("S2", {"B": 1}, {"B": 0}),
        ("S3", {"A": 1, "B": 1}, {}),
    ]
    assert source(request, kept.candidates, NOW).parts == source(request, PLACES, NOW).parts
    assert Snapshot.model_validate_json(kept.model_dump_json()) == kept
