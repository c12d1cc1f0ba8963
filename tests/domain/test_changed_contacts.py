"""Where the customer is told of an order: until when that may change, and what does not change with it."""

import pytest

from domain.change_policy import ChangePolicy, EditKind, Until
from domain.change_wishes import ChangeWish
from domain.changes import plan_change
from domain.order import Order
from domain.policy_packs import STANDARD
from domain.refusals import Refused
from domain.units import Units
from tests.domain.sample_orders import A, B
from tests.domain.test_changes import collected, made, picking

NEW = ChangeWish(contact=1_000_080)


def left() -> Order:
    placed = picking(collected(), A=Units(handed_over=3), B=Units(handed_over=2))
    placed.settle({A: 3, B: 2}, earned=True)
    return placed


def test_a_contact_changes_and_nothing_else() -> None:
    placed = collected()
    before = placed.model_copy(deep=True)
    plan = plan_change(placed, NEW)
    assert (plan.contact, plan.before == plan.after, plan.hold, plan.groups) == (True, True, [], [])
    made(placed, NEW)
    assert placed.contact == placed.view().contact == 1_000_080
    assert placed == before.model_copy(update={"contact": 1_000_080})


def test_a_contact_may_change_until_the_last_unit_has_left() -> None:
    assert plan_change(picking(collected(), A=Units(ready=3), B=Units(handed_over=2)), NEW).contact
    with pytest.raises(Refused, match="has left"):
        plan_change(left(), NEW)


@pytest.mark.parametrize(("until", "words"), [(Until.NEVER, "does not offer"), (Until.PICKED, "is picked")])
def test_a_seller_may_end_that_sooner(until: Until, words: str) -> None:
    policy = ChangePolicy(until={**ChangePolicy().until, EditKind.CONTACT: until})
    placed = collected(policy=STANDARD.model_copy(update={"changes": policy}))
    with pytest.raises(Refused, match=words):
        plan_change(picking(placed, A=Units(picked=3), B=Units(picked=2)), NEW)


def test_policies_of_before_let_it_change_until_it_leaves() -> None:
    known = {edit: until for edit, until in ChangePolicy().until.items() if edit is not EditKind.CONTACT}
    assert ChangePolicy(until=known).until_of(EditKind.CONTACT) is Until.LEFT
