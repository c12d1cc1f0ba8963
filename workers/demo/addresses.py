"""Where customers of the demo live."""

from workers.demo.scene import Address


def _address(postal_code: str, city: str) -> Address:
    return {
        "name": "Sample Customer",
        "line1": "Musterstraße 1",
        "postal_code": postal_code,
        "city": city,
        "country": "DE",
    }


BERLIN = _address("10115", "Berlin")
HAMBURG = _address("20095", "Hamburg")
LEIPZIG = _address("04109", "Leipzig")
COLOGNE = _address("50667", "Cologne")
WHERE_PARCELS_ARE_LOST = _address("00005", "Nirgendwo")
"""The simulated carriers lose what goes to this postal code."""
