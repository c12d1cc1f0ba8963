"""Kits: what their units ask of the shelves, which of them can be made whole, and what each component bears."""

from hypothesis import given
from hypothesis import strategies as st

from domain.alternatives import StoreOffer, rank_alternatives
from domain.ids import Sku, StoreId
from domain.kits import Component, component_shares, needs_of, pieces, short_of, whole_units
from tests.domain.sample_orders import A, B, line, order

LAMP, BULB, BOX = Sku("lamp"), Sku("bulb"), Sku("box")
SET = {LAMP: 1, BULB: 3}


def component(sku: Sku, quantity: int = 1, price: int = 0) -> Component:
    return Component(sku=sku, quantity=quantity, price=price)


def test_what_is_no_kit_is_made_of_itself():
    assert needs_of(LAMP, []) == {LAMP: 1}
    assert needs_of(BOX, [component(LAMP), component(BULB, 3)]) == SET


def test_units_ask_for_the_pieces_of_all_their_components():
    assert pieces(SET, 2) == {LAMP: 2, BULB: 6}


def test_the_scarcest_component_says_how_many_are_whole():
    assert whole_units({LAMP: 4, BULB: 8}, SET) == 2
    assert whole_units({LAMP: 4}, SET) == 0
    assert whole_units({LAMP: -1, BULB: 8}, SET) == 0


def test_only_what_is_too_little_is_short():
    assert short_of({LAMP: 3, BULB: 8}, SET, 3) == {BULB}
    assert short_of({LAMP: 3, BULB: 9}, SET, 3) == set()


def test_a_component_bears_its_part_of_the_price_and_the_remainder_goes_once():
    thirds = [component(Sku(name), price=500) for name in ("a", "b", "c")]
    assert component_shares(1000, thirds) == [334, 333, 333]
    assert component_shares(9000, [component(LAMP, 1, 6000), component(BULB, 3, 1000)]) == [6000, 3000]


def test_without_usual_prices_the_first_component_bears_all():
    assert component_shares(700, [component(LAMP), component(BULB)]) == [700, 0]


@given(
    total=st.integers(0, 10**9),
    parts=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**6)), min_size=1, max_size=6),
)
def test_shares_add_up_to_the_price_of_the_kit(total: int, parts: list[tuple[int, int]]):
    components = [component(Sku(f"c{n}"), quantity, price) for n, (quantity, price) in enumerate(parts)]
    shares = component_shares(total, components)
    assert sum(shares) == total
    assert min(shares) >= 0


@given(there=st.dictionaries(st.sampled_from([LAMP, BULB, BOX]), st.integers(0, 30)))
def test_so_many_are_whole_and_not_one_more(there: dict[Sku, int]):
    whole = whole_units(there, SET)
    assert not short_of(there, SET, whole)
    assert short_of(there, SET, whole + 1)


def test_a_store_serves_whole_kits_beside_lines_of_the_same_component():
    offer = StoreOffer(store_id=StoreId("S1"), latitude=0, longitude=0, available={LAMP: 5, BULB: 7})
    [found] = rank_alternatives({A: (BULB, 2), B: (BOX, 3)}, [offer], StoreId("S0"), [], {B: SET})
    assert found.lines == {A: 2, B: 1}, "five bulbs are left for kits of three"
    assert not found.whole


def test_the_order_shows_components_with_their_share_of_the_line():
    kit = line(A, 2, 9001).model_copy(update={"components": [component(LAMP, 1, 1), component(BULB, 3, 1)]})
    [shown, plain] = order(kit, line(B, 1, 100)).view().lines
    assert [(each.sku, each.quantity, each.share) for each in shown.components] == [
        ("lamp", 1, 2250),
        ("bulb", 3, 6751),
    ]
    assert (shown.needs, plain.needs) == (SET, {"sku-B": 1})
