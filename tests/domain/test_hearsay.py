"""Reports that come late, twice or backwards: the newest possible one stands, or a person is told."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.carriage import PARCEL_MOVES, ParcelStatus, hear_of_parcel
from domain.hearsay import Effect, Heard, Known, Moves
from domain.lockers import COMPARTMENT_MOVES, CompartmentStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOUGHT = Known[ParcelStatus](status=ParcelStatus.LABEL_CREATED, at=NOON)

Report = tuple[ParcelStatus, int]
"""A status and the minute after noon at which the carrier saw it."""


def hear(known: Known[ParcelStatus], report: Report) -> Heard[ParcelStatus]:
    status, minute = report
    return hear_of_parcel(known, status, NOON + timedelta(minutes=minute))


def hear_all(reports: list[Report]) -> tuple[Known[ParcelStatus], list[Effect]]:
    known, effects = BOUGHT, []
    for report in reports:
        heard = hear(known, report)
        known = heard.known
        effects.append(heard.effect)
    return known, effects


@st.composite
def lives(draw: st.DrawFn) -> list[Report]:
    """A legal life: each status may follow the one before, each a while later, from the label to wherever it ends."""
    status, minute, life = ParcelStatus.LABEL_CREATED, 0, []
    for _ in range(draw(st.integers(1, 12))):
        following = sorted(PARCEL_MOVES.direct[status])
        if not following:
            break
        status = draw(st.sampled_from(following))
        minute += draw(st.integers(1, 600))
        life.append((status, minute))
    return life


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """A legal life, and the same reports in any order, any of them repeated, words that nobody knows in between."""
    life = draw(lives())
    unknown = draw(st.lists(st.tuples(st.just(ParcelStatus.UNKNOWN), st.integers(0, 9000)), max_size=3))
    repeated = draw(st.lists(st.sampled_from(life), max_size=6))
    return life, draw(st.permutations([*life, *repeated, *unknown]))


@given(tellings())
def test_a_legal_life_told_in_any_order_with_repetitions_ends_the_same(
    telling: tuple[list[Report], list[Report]],
) -> None:
    life, told = telling
    known, effects = hear_all(told)
    status, minute = life[-1]
    assert known == Known[ParcelStatus](status=status, at=NOON + timedelta(minutes=minute))
    assert Effect.ILLEGAL not in effects
    assert effects.count(Effect.UNKNOWN) == sum(status is ParcelStatus.UNKNOWN for status, _ in told)


ANY_REPORT = st.tuples(st.sampled_from(sorted(ParcelStatus)), st.integers(1, 20))


@given(st.lists(ANY_REPORT, max_size=8), st.randoms(use_true_random=False))
def test_whatever_is_told_two_tellings_agree_or_a_person_hears_of_it(reports: list[Report], lots: Random) -> None:
    other = list(reports)
    lots.shuffle(other)
    (one_known, one_effects), (other_known, other_effects) = hear_all(reports), hear_all(other)
    assert one_known == other_known or Effect.ILLEGAL in (*one_effects, *other_effects)


@given(st.lists(ANY_REPORT, max_size=8))
def test_only_what_is_applied_changes_the_status_and_time_never_runs_back(reports: list[Report]) -> None:
    known = BOUGHT
    for report in reports:
        heard = hear(known, report)
        assert (heard.known.status != known.status) == (heard.effect is Effect.APPLIED)
        assert heard.known.at >= known.at
        known = heard.known


@given(st.lists(ANY_REPORT, max_size=8))
def test_what_is_delivered_or_returned_stays_so(reports: list[Report]) -> None:
    seen: list[ParcelStatus] = []
    known = BOUGHT
    for report in reports:
        known = hear(known, report).known
        seen.append(known.status)
    for status in (ParcelStatus.DELIVERED, ParcelStatus.RETURNED):
        if status in seen:
            assert set(seen[seen.index(status) :]) == {status}


def test_a_status_that_was_unknown_gives_way_to_any_that_is_known() -> None:
    known = Known[ParcelStatus](status=ParcelStatus.UNKNOWN, at=NOON)
    assert hear(known, (ParcelStatus.IN_TRANSIT, 1)).effect is Effect.APPLIED


def test_every_status_has_its_row_and_every_table_can_end() -> None:
    for moves, statuses, unknown in (
        (PARCEL_MOVES, ParcelStatus, ParcelStatus.UNKNOWN),
        (COMPARTMENT_MOVES, CompartmentStatus, CompartmentStatus.UNKNOWN),
    ):
        assert isinstance(moves, Moves)
        assert set(moves.direct) == set(statuses) - {unknown}
        ends = {status for status in moves.direct if moves.final(status)}
        assert ends
        assert all(status in ends or ends & moves._after[status] for status in moves.direct)
