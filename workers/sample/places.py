"""Ten stores in four time zones, parcel machines at two of them, and two warehouses."""

from adapters.places.port import Place, PlaceKind
from domain.ids import StoreId
from domain.lockers import LockerId
from domain.store_hours import DayHours, StoreHours, Weekday, always_open

_Week = dict[Weekday, DayHours]
_WORKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
_GERMAN_DAYS = {"2026-12-24": (("09:00", "14:00"),), "2026-12-31": (("09:00", "14:00"),)}
_AMERICAN_DAYS = {"2026-11-27": (("06:00", "22:00"),), "2026-12-24": (("09:00", "17:00"),)}


def _week(workdays: DayHours, saturday: DayHours = (), sunday: DayHours = (), **others: DayHours) -> _Week:
    week: _Week = dict.fromkeys(_WORKDAYS, workdays)
    week |= {"sat": saturday, "sun": sunday}
    return {day: others.get(day, hours) for day, hours in week.items() if others.get(day, hours)}


def _store(
    number: int,
    city: str,
    address: str,
    latitude: float,
    longitude: float,
    hours: StoreHours,
    *,
    curbside: bool = True,
    lockers: tuple[str, ...] = (),
) -> Place:
    return Place(
        location_id=StoreId(f"S{number:03}"),
        kind=PlaceKind.STORE,
        name=f"Throughline {city}",
        address=address,
        latitude=latitude,
        longitude=longitude,
        email=f"s{number:03}@stores.example",
        hours=hours,
        curbside=curbside,
        lockers=tuple(LockerId(each) for each in lockers),
        **_postal(address, hours.zone),
    )


def _postal(address: str, zone: str) -> dict[str, str]:
    """Country and postal code as the address's last line has them."""
    last = address.splitlines()[-1]
    if zone.startswith("America/"):
        return {"country": "US", "postal_code": last.rpartition(" ")[2]}
    if zone == "Europe/London":
        return {"country": "GB", "postal_code": " ".join(last.split(" ")[-2:])}
    return {"country": "DE", "postal_code": last.partition(" ")[0]}


def _warehouse(number: int, city: str, address: str, latitude: float, longitude: float, zone: str) -> Place:
    return Place(
        location_id=StoreId(f"W{number:03}"),
        kind=PlaceKind.WAREHOUSE,
        name=f"Throughline warehouse {city}",
        address=address,
        latitude=latitude,
        longitude=longitude,
        email=f"w{number:03}@stores.example",
        hours=always_open(zone),
        curbside=False,
        **_postal(address, zone),
    )


def _berlin(week: _Week, region: str) -> StoreHours:
    return StoreHours(zone="Europe/Berlin", weekly=week, exceptions=_GERMAN_DAYS, holidays=region)


def _london(week: _Week) -> StoreHours:
    boxing_day: dict[str, DayHours] = {"2026-12-26": (("10:00", "18:00"),)}
    return StoreHours(zone="Europe/London", weekly=week, exceptions=boxing_day, holidays="GB-ENG")


def _new_york(week: _Week) -> StoreHours:
    return StoreHours(zone="America/New_York", weekly=week, exceptions=_AMERICAN_DAYS, holidays="US")


def _los_angeles(week: _Week) -> StoreHours:
    return StoreHours(zone="America/Los_Angeles", weekly=week, exceptions=_AMERICAN_DAYS, holidays="US")


STORES = (
    _store(
        1,
        "Berlin",
        "Friedrichstraße 191\n10117 Berlin",
        52.5119,
        13.3903,
        _berlin(_week((("09:00", "20:00"),), (("10:00", "20:00"),)), "DE-BE"),
        lockers=("L001",),
    ),
    _store(
        2,
        "Hamburg",
        "Mönckebergstraße 17\n20095 Hamburg",
        53.5506,
        10.0020,
        _berlin(_week((("10:00", "20:00"),), (("10:00", "20:00"),)), "DE-HH"),
        lockers=("L002", "L-FULL"),
    ),
    _store(
        3,
        "Freising",  # shut at noon, as small towns do
        "Obere Hauptstraße 24\n85354 Freising",
        48.4018,
        11.7440,
        _berlin(_week((("09:00", "12:30"), ("14:00", "18:00")), (("09:00", "13:00"),)), "DE-BY"),
    ),
    _store(
        4,
        "London",
        "214 Oxford Street\nLondon W1C 1DA",
        51.5152,
        -0.1419,
        _london(_week((("09:00", "21:00"),), (("09:00", "21:00"),), (("12:00", "18:00"),))),
        curbside=False,
    ),
    _store(
        5,
        "Manchester",
        "35 Market Street\nManchester M1 1WR",
        53.4825,
        -2.2401,
        _london(_week((("09:00", "19:00"),), (("09:00", "18:00"),), (("11:00", "17:00"),), thu=(("09:00", "20:00"),))),
    ),
    _store(
        6,
        "New York",
        "620 Broadway\nNew York, NY 10012",
        40.7258,
        -73.9953,
        _new_york(_week((("10:00", "21:00"),), (("10:00", "21:00"),), (("11:00", "19:00"),))),
        curbside=False,
    ),
    _store(
        7,
        "Boston",
        "350 Boylston Street\nBoston, MA 02116",
        42.3519,
        -71.0718,
        _new_york(_week((("10:00", "20:00"),), (("10:00", "20:00"),), (("12:00", "18:00"),))),
    ),
    _store(
        8,
        "Los Angeles",
        "735 South Figueroa Street\nLos Angeles, CA 90017",
        34.0489,
        -118.2600,
        _los_angeles(_week((("10:00", "20:00"),), (("10:00", "20:00"),), (("11:00", "18:00"),))),
    ),
    _store(
        9,
        "San Francisco",
        "865 Market Street\nSan Francisco, CA 94103",
        37.7842,
        -122.4068,
        _los_angeles(_week((("10:00", "20:00"),), (("10:00", "20:00"),), (("11:00", "18:00"),))),
    ),
    _store(
        10,
        "Seattle",  # never shut but on holidays
        "1520 Fifth Avenue\nSeattle, WA 98101",
        47.6117,
        -122.3357,
        _los_angeles(_week((("00:00", "24:00"),), (("00:00", "24:00"),), (("00:00", "24:00"),))),
    ),
)

WAREHOUSES = (
    _warehouse(1, "Leipzig", "Torgauer Straße 231\n04347 Leipzig", 51.3621, 12.4290, "Europe/Berlin"),
    _warehouse(2, "Columbus", "2400 Westbelt Drive\nColumbus, OH 43228", 39.9957, -83.1127, "America/New_York"),
)

PLACES = STORES + WAREHOUSES
