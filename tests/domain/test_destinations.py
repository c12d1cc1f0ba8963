"""As much of an address as choosing a place needs, and no more."""

import pytest

from domain.destinations import Destination, destination_of
from domain.geography import COUNTRIES, REGIONS, point_of
from domain.intake import Address


def address(postal_code: str, country: str) -> Address:
    return Address(name="Ann Example", line1="Street 1", postal_code=postal_code, city="City", country=country)


def test_nothing_of_a_person_is_in_a_destination():
    found = destination_of(address("10115", "DE"))
    assert found == Destination(country="DE", latitude=52.6, longitude=13.3)


@pytest.mark.parametrize(("code", "country"), [("K1A 0B1", "CA"), ("", "FR"), ("XX", "DE")])
def test_a_region_that_is_not_known_is_the_country(code: str, country: str):
    assert point_of(country, code) == COUNTRIES[country]


def test_a_country_that_is_nowhere_has_no_point():
    assert destination_of(address("1", "ZZ")) == Destination(country="ZZ")


def test_every_point_is_on_earth():
    for point in (*COUNTRIES.values(), *REGIONS.values()):
        assert -90 <= point.latitude <= 90
        assert -180 <= point.longitude <= 180
    assert len(COUNTRIES) > 240
