"""Stores that can take over, best first."""

from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alternatives import EARTH_RADIUS_KM, StoreOffer, distance_km, in_reach, rank_alternatives
from domain.ids import Sku, StoreId
from tests.domain.sample_orders import A, B

X, Y = Sku("x"), Sku("y")
WANTED = {A: (X, 2), B: (Y, 1)}


def store(name: str, east: float = 0.0, north: float = 0.0, **available: int) -> StoreOffer:
    return StoreOffer(
        store_id=StoreId(name), latitude=north, longitude=east, available={Sku(sku): n for sku, n in available.items()}
    )


HOME = store("S0")


def names(offers: list[StoreOffer], excluded: list[StoreId] | None = None) -> list[str]:
    return [each.store_id for each in rank_alternatives(WANTED, [HOME, *offers], StoreId("S0"), excluded or [])]


def test_all_lines_come_before_more_units_before_nearer_before_the_name():
    far_whole = store("S1", east=5, x=2, y=1)
    near_two = store("S2", east=1, x=1, y=1)
    near_one = store("S4", east=0.1, x=1)
    twin_one = store("S3", east=0.1, y=1)
    assert names([near_one, twin_one, near_two, far_whole]) == ["S1", "S2", "S3", "S4"]


def test_of_two_that_have_all_the_nearer_is_better():
    assert names([store("S1", east=3, x=2, y=1), store("S2", east=2, x=9, y=9)]) == ["S2", "S1"]


def test_the_origin_stores_that_declined_and_stores_with_nothing_are_left_out():
    here = store("S0", x=9, y=9)
    offers = [here, store("S1", x=2, y=1), store("S2", x=2, y=1), store("S3"), store("S4", x=0)]
    assert [each.store_id for each in rank_alternatives(WANTED, offers, StoreId("S0"), [StoreId("S2")])] == ["S1"]


def test_what_is_promised_away_is_no_offer():
    assert names([store("S1", x=-1, y=-3)]) == []
    (found,) = rank_alternatives(WANTED, [HOME, store("S1", x=-1, y=1)], StoreId("S0"), [])
    assert found.lines == {B: 1}


def test_two_lines_of_one_product_share_what_is_there():
    wanted = {A: (X, 2), B: (X, 2)}
    (found,) = rank_alternatives(wanted, [HOME, store("S1", x=3)], StoreId("S0"), [])
    assert (found.lines, found.whole) == ({A: 2, B: 1}, False)
    (found,) = rank_alternatives(wanted, [HOME, store("S1", x=4)], StoreId("S0"), [])
    assert (found.lines, found.whole) == ({A: 2, B: 2}, True)


def test_a_store_offers_no_more_than_is_wanted():
    (found,) = rank_alternatives(WANTED, [HOME, store("S1", x=99, y=99)], StoreId("S0"), [])
    assert found.lines == {A: 2, B: 1}


def test_without_the_origin_s_place_stores_are_ranked_all_the_same():
    offers = [store("S2", east=1, x=2, y=1), store("S1", east=9, x=2, y=1)]
    ranked = rank_alternatives(WANTED, offers, StoreId("S0"), [])
    assert [(each.store_id, each.distance_km) for each in ranked] == [("S1", 0.0), ("S2", 0.0)]


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (store("Berlin", east=13.4050, north=52.5200), store("Hamburg", east=9.9937, north=53.5511), 255.3),
        (store("a"), store("b", east=180), pi * EARTH_RADIUS_KM),
        (store("a", east=-104, north=78.6), store("b", east=76, north=-78.6), pi * EARTH_RADIUS_KM),
        (store("a"), store("a"), 0),
        (store("a", east=179.5), store("b", east=-179.5), 111.2),
    ],
)
def test_distances_are_along_the_great_circle(one: StoreOffer, other: StoreOffer, km: float):
    assert distance_km(one, other) == pytest.approx(km, abs=0.1)


def test_stores_abroad_or_too_far_are_out_of_reach_and_what_is_unknown_is_not():
    home = HOME.model_copy(update={"country": "DE"})
    near, far, somewhere = store("S1", east=1), store("S2", east=9), store("S3", east=0.5)
    abroad, at_home = (each.model_copy(update={"country": of}) for each, of in ((near, "PL"), (far, "DE")))
    offers = [home, abroad, at_home, somewhere]

    def reached(within_km: float | None, origin: str = "S0") -> list[str]:
        return [each.store_id for each in in_reach(offers, StoreId(origin), within_km)]

    assert reached(None) == ["S0", "S2", "S3"]
    assert reached(500) == ["S0", "S3"]
    assert reached(500, "S9") == ["S0", "S1", "S2", "S3"]


places = st.builds(
    StoreOffer,
    store_id=st.sampled_from([StoreId(f"S{n}") for n in range(1, 9)]),
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    available=st.dictionaries(st.sampled_from([X, Y]), st.integers(-2, 4)),
)


@given(places, places)
def test_a_distance_is_the_same_both_ways_and_half_round_the_earth_at_most(one: StoreOffer, other: StoreOffer):
    opposite = one.model_copy(
        update={"latitude": -one.latitude, "longitude": one.longitude + (180 if one.longitude <= 0 else -180)}
    )
    assert distance_km(one, other) == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= distance_km(one, other) <= pi * EARTH_RADIUS_KM
    assert distance_km(one, opposite) == pytest.approx(pi * EARTH_RADIUS_KM, rel=1e-6)


@given(st.lists(places, max_size=8, unique_by=lambda each: each.store_id), st.integers(1, 4), st.integers(1, 4))
def test_the_ranking_is_by_whole_units_distance_and_name_whatever_the_order_of_offers(
    offers: list[StoreOffer], first: int, second: int
):
    wanted = {A: (X, first), B: (Y, second)}
    ranked = rank_alternatives(wanted, [HOME, *offers], StoreId("S0"), [StoreId("S8")])
    keys = [(not each.whole, -sum(each.lines.values()), each.distance_km, each.store_id) for each in ranked]
    assert keys == sorted(keys)
    assert rank_alternatives(wanted, [*reversed(offers), HOME], StoreId("S0"), [StoreId("S8")]) == ranked
    by_store = {each.store_id: each for each in offers}
    for each in ranked:
        assert each.store_id not in ("S0", "S8")
        for line, n in each.lines.items():
            sku, quantity = wanted[line]
            assert 1 <= n <= min(quantity, by_store[each.store_id].available[sku])
        assert each.whole == (each.lines == {A: first, B: second})
