"""The core that chooses places: what it does where nothing may be chosen."""

import pytest

from domain.sourcing.subsets import Goal, best_plan, shift_of, weight_of


@pytest.mark.parametrize("least", [0, 50])
@pytest.mark.parametrize("most", [0, -1])
def test_with_more_parts_already_than_a_rule_would_make_there_is_no_other(most: int, least: int) -> None:
    goal = Goal(units=[1], values=[100], shift=shift_of(1), max_parts=most, min_value=least)
    assert best_plan(goal, [(1, weight_of(1, (5,)))]) == []
