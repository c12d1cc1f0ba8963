"""What a change of a placed order would do, exactly: units, stock and groups, the totals, what is owed or due."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.amending import totals_of
from domain.cancellation import UnitsOf
from domain.change_policy import EditKind, Until
from domain.change_wishes import ChangeWish
from domain.edits import Edits, draw_up, till_of
from domain.ids import LineId, Sku, StoreId
from domain.making_changes import make
from domain.open_changes import Totals
from domain.order import Order
from domain.refusals import Refusal, RefusalKind, Refused
from domain.settlement import MoneyPlan, StepKind, plan_money


class Held(BaseModel):
    """Units of which stock is needed; `store_id` none: a place that can ship them is looked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    quantity: int
    store_id: StoreId | None


class BlockReason(StrEnum):
    NOT_OFFERED = "not_offered"
    """The seller does not offer this kind of change."""
    PICKED = "picked"
    ASKED_TO_STOP = "asked_to_stop"
    LEFT = "left"
    REPLACEMENT = "replacement"
    """It stands for goods that were lost."""
    AWAITS_SUPPLY = "awaits_supply"
    """It was sold beyond stock, and has its place in the queue for supply."""
    IN_TRANSIT = "in_transit"
    """It is on its way to the store where it is collected."""


class Blocked(BaseModel):
    """Units that cannot be changed so any more, and until when they could."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edit: EditKind
    group: str
    n: int
    line_id: LineId
    quantity: int
    reason: BlockReason
    allowed_until: Until


class ChangePlan(BaseModel):
    """All amounts in minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Totals
    after: Totals
    owed: int = 0
    """More to pay, by a further tender or at the till."""
    asked: int = 0
    """The part of `owed` that must be authorised before the change is made."""
    due: int = 0
    """What goes back to the customer: `void` and `refund`."""
    void: int = 0
    refund: int = 0
    add: list[UnitsOf] = []
    cut: list[UnitsOf] = []
    move: list[UnitsOf] = []
    """Units that go another way, with the groups that they leave."""
    address: list[int] = []
    """Shipments that go to another address."""
    hold: list[Held] = []
    """Stock that is needed for it."""
    free: list[UnitsOf] = []
    """Stock that it frees."""
    refused: list[Blocked] = []
    """What cannot be changed so any more; only an address may change for some shipments and not for others."""
    groups: list[int] = []
    """The groups that it touches."""

    @property
    def changes_something(self) -> bool:
        return bool(self.add or self.cut or self.move or self.address)


def plan_change(order: Order, wish: ChangeWish) -> ChangePlan:
    """What would be done. Raises `Refused` for a wish that makes no sense; what comes too late is in `refused`."""
    edits = draw_up(order, wish)
    blocked = [
        Blocked(
            edit=each.edit,
            group=order.group(each.n).group_id,
            n=each.n,
            line_id=each.line_id,
            quantity=each.quantity,
            reason=BlockReason(each.reason),
            allowed_until=order.terms.policy.changes.until[each.edit],
        )
        for each in edits.blocked
    ]
    before = totals_of(order)
    if edits.is_blocked:
        return ChangePlan(before=before, after=before, refused=blocked, groups=sorted({each.n for each in blocked}))
    draft = order.model_copy(deep=True)
    make(draft, edits)
    now, then = _money(order), _money(draft)
    open_now, open_then = now.uncovered + now.expected, then.uncovered + then.expected
    owed = max(0, open_then - open_now)
    void = max(0, then.total(StepKind.VOID) - now.total(StepKind.VOID))
    refund = max(0, then.total(StepKind.REFUND) - now.total(StepKind.REFUND))
    return ChangePlan(
        before=before,
        after=totals_of(draft),
        owed=owed,
        asked=0 if till_of(order) is not None else owed,
        due=void + refund,
        void=void,
        refund=refund,
        add=[*edits.added_units(order)],
        cut=edits.cut,
        move=edits.moved_units(order),
        address=edits.readdressed,
        hold=_held(order, edits),
        free=[
            part
            for part in (*edits.cut, *edits.moved_units(order))
            if order.group(part.n).has_stock and not edits.keeps_place(order, part.n)
        ],
        refused=blocked,
        groups=edits.touched,
    )


def check(plan: ChangePlan) -> None:
    """Refuse, with what to do instead, a change that cannot be made."""
    if plan.changes_something:
        return
    if not plan.refused:
        raise Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail="The order is like that already."))
    raise Refused(
        Refusal(
            kind=RefusalKind.NOT_ALLOWED_NOW,
            detail=" ".join(dict.fromkeys(_in_words(each) for each in plan.refused)),
            reason=plan.refused[0].reason,
        )
    )


def _money(order: Order) -> MoneyPlan:
    return plan_money(order.tenders, order.earned - order.written_off, order.secured_worth)


def _held(order: Order, edits: Edits) -> list[Held]:
    skus = order.skus | {new.line_id: new.sku for new in edits.wish.add}
    return [
        Held(line_id=line, sku=skus[line], quantity=quantity, store_id=place or None)
        for place, lines in edits.needs(order)
        for line, quantity in lines.items()
    ]


def _in_words(blocked: Blocked) -> str:
    units = f"{blocked.quantity} unit{'s' if blocked.quantity > 1 else ''} of line {blocked.line_id}"
    match blocked.reason:
        case BlockReason.NOT_OFFERED:
            return f"The seller does not offer to change this ({blocked.edit})."
        case BlockReason.PICKED:
            return f"{units} in {blocked.group} were picked already. Change the rest, or cancel them."
        case BlockReason.ASKED_TO_STOP:
            return f"{units} in {blocked.group} may be cancelled any moment. Wait for its place's answer."
        case BlockReason.REPLACEMENT:
            return f"{units} in {blocked.group} stand for lost ones. Cancel them, or wait until they come."
        case BlockReason.AWAITS_SUPPLY:
            return (
                f"{units} in {blocked.group} wait for supply and keep their place in its queue. "
                "Wait, or cancel them and order anew."
            )
        case BlockReason.IN_TRANSIT:
            return f"{units} in {blocked.group} are on their way to the store. Collect them there, or cancel them."
        case BlockReason.LEFT:
            return f"{units} in {blocked.group} have left. They can be returned."
