"""All from one place if one has it, else from as few as can be, nearer ones first."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId, Sku, StoreId
from domain.nearest import PlaceOffer, Wanted, choose_places

A, B = LineId("A"), LineId("B")
SHOE, SOCK = Sku("SHOE"), Sku("SOCK")


def place(name: str, km: float, **available: int) -> PlaceOffer:
    return PlaceOffer(location_id=StoreId(name), distance_km=km, available={Sku(k): n for k, n in available.items()})


def chosen(wanted: Wanted, *offers: PlaceOffer, one_place: bool = False) -> dict[str, dict[LineId, int]]:
    return {part.location_id: part.lines for part in choose_places(wanted, list(offers), one_place=one_place)}


BOTH: Wanted = {A: (SHOE, 2), B: (SOCK, 1)}


def test_a_place_that_has_all_goes_before_nearer_ones_that_have_some():
    found = chosen(BOTH, place("near", 1, SHOE=2), place("far", 500, SHOE=2, SOCK=1))
    assert found == {"far": {A: 2, B: 1}}


def test_of_two_that_have_all_the_nearer_one_ships():
    assert list(chosen(BOTH, place("far", 9, SHOE=5, SOCK=5), place("near", 3, SHOE=5, SOCK=5))) == ["near"]


def test_what_nobody_has_whole_comes_from_few_places():
    found = chosen(BOTH, place("a", 1, SHOE=1), place("b", 2, SHOE=1, SOCK=1), place("c", 3, SOCK=1))
    assert found == {"b": {A: 1, B: 1}, "a": {A: 1}}


def test_what_must_leave_from_one_place_does_so_or_not_at_all():
    offers = (place("a", 1, SHOE=2), place("b", 2, SOCK=1))
    assert chosen(BOTH, *offers, one_place=True) == {}
    assert chosen(BOTH, *offers, place("c", 3, SHOE=2, SOCK=1), one_place=True) == {"c": {A: 2, B: 1}}


def test_two_lines_of_one_article_do_not_count_on_the_same_unit():
    assert chosen({A: (SHOE, 1), B: (SHOE, 1)}, place("a", 1, SHOE=1)) == {"a": {A: 1}}


def test_nobody_has_anything():
    assert chosen(BOTH, place("a", 1)) == {}
    assert chosen(BOTH) == {}


stock = st.dictionaries(st.sampled_from([SHOE, SOCK]), st.integers(0, 5))


@given(
    wanted=st.dictionaries(
        st.sampled_from([A, B, LineId("C")]), st.tuples(st.sampled_from([SHOE, SOCK]), st.integers(1, 6)), min_size=1
    ),
    stocks=st.lists(stock, max_size=5),
)
def test_all_that_is_there_is_used_and_nothing_that_is_not(wanted: Wanted, stocks: list[dict[Sku, int]]):
    offers: list[Any] = [
        PlaceOffer(location_id=StoreId(f"P{n}"), distance_km=n, available=each) for n, each in enumerate(stocks)
    ]
    parts = choose_places(wanted, offers, one_place=False)
    assert len({part.location_id for part in parts}) == len(parts)
    for sku in (SHOE, SOCK):
        lines = [line for line, (wants, _) in wanted.items() if wants == sku]
        asked = sum(wanted[line][1] for line in lines)
        given_ = sum(part.lines.get(line, 0) for part in parts for line in lines)
        assert given_ == min(asked, sum(each.get(sku, 0) for each in stocks))
    for part in parts:
        there = dict(stocks[int(part.location_id[1:])])
        for line, n in part.lines.items():
            there[wanted[line][0]] -= n
        assert all(left >= 0 for left in there.values())
