"""A substitute bears what the units bore that it stands for, to the cent, or less."""

from domain.ids import Sku
from domain.substitution import Substitute, proposal_of, swap
from domain.units import Units
from tests.domain.sample_orders import A, line, order
from tests.domain.test_changes import authorised, offered


def test_a_substitute_leaves_the_worth_of_what_was_handed_over_to_the_cent():
    placed = offered(authorised(order(line(A, 4, 2))))
    placed.group(1).units[A] = Units(allocated=2, handed_over=2)
    assert placed.settle({A: 2}, earned=True) == 1
    proposed = proposal_of(placed, Substitute(line_id=A, sku=Sku("other"), quantity=1, unit_price=9))
    placed.group(1).units[A] = Units(allocated=1, handed_over=2, cancelled=1)
    new = swap(placed, 1, proposed, 1)
    placed.group(1).units[new.line_id] = Units(allocated=1)
    assert (proposed.worth, new.worth, new.saved) == (1, 1, 0)
    assert (placed.earned, placed.worth_earned({A: 2}), placed.owed_worth) == (1, 1, 1)
