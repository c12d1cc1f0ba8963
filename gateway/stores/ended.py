"""Commands for an order whose process has ended: answered from its record, which keeps what must not be lost."""

from datetime import datetime

from adapters.inventory.port import Release, Relocate
from adapters.records.port import StoreGroup
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, StoreId, operation_key
from domain.kits import pieces
from domain.refusals import Refusal, RefusalKind, Refused
from domain.stock import StockLine
from domain.timeline import Event, Fact, TimelineEntry
from domain.transits import in_transit_to
from domain.views import GroupView
from gateway.principals import Caller
from gateway.problems import Problem, ProblemKind, unavailable
from gateway.services import Services
from gateway.showing import GroupShown, group_shown
from gateway.stores import late_reports
from workflows.messages import GiveOut, GroupAnswer, GroupCommand, PutBack


async def answer_from_record(services: Services, found: StoreGroup, command: GroupCommand) -> GroupAnswer:
    """Raises `Refused` for what an ended order cannot do; 503 when it has not ended and only its start is late."""
    async with services.transactions.begin() as books:
        now = await books.records.group(found.order_id, command.n)
        order = await books.records.order(found.order_id)
    if now is None or order is None or not late_reports.has_ended(order):
        raise unavailable("order engine", 2)
    if isinstance(command, PutBack):
        return await _put_back(services, now, command)
    if isinstance(command, GiveOut):
        await _hand_over(services, now, command)
        return GroupAnswer(version=now.version, status=now.order_status, group=now.group, already=True)
    raise _over(now.group)


async def nothing_to_put_back(services: Services, caller: Caller, found: StoreGroup) -> GroupShown:
    """All is on the shelf already: the answer again. Raises 409 when nothing of it was ever to be put back."""
    shown = await group_shown(services, caller, found)
    if not await _counted(services, found.order_id, found.group.n, Event.PUT_BACK):
        detail = (
            f"Nothing of this {found.group.kind} waits to be put back. "
            "Units do once they were picked and are no longer wanted."
        )
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, detail, current=shown)
    return shown.model_copy(update={"already": True})


def _over(group: GroupView, what_now: str = "nothing more can be done with it.") -> Refused:
    detail = f"This {group.kind} is {group.status} and its order has ended; {what_now}"
    return Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))


async def _hand_over(services: Services, found: StoreGroup, command: GiveOut) -> None:
    """The first answer again for the code that opened it. A late report is kept for a person, and refused."""
    group = found.group
    last = await _serial(services, found.order_id, group.n)
    if group.status is GroupStatus.COLLECTED and last in command.code_serials and not _is_another(group, command):
        return
    if command.at is not None and _was_in_time(group, command):
        await late_reports.keep(services, found.order_id, command, command.at)
        raise _over(group, "your report is kept for operations, who settle it with the customer.")
    raise _over(group)


def _is_another(group: GroupView, command: GiveOut) -> bool:
    """Of a pickup collected in part: a hand-over that nobody told us of, while units count as left behind."""
    return bool(group.put_back) and _was_in_time(group, command) and all(h.at != command.at for h in group.hand_overs)


def _was_in_time(group: GroupView, command: GiveOut) -> bool:
    at = command.at
    return (
        at is not None
        and group.ready_at is not None
        and group.deadline is not None
        and (group.ready_at <= at < group.deadline)
    )


async def _serial(services: Services, order_id: OrderId, n: int) -> int:
    """The number of the group's last code: each readiness and each re-sending made a new one."""
    return await _counted(services, order_id, n, Event.READY, Event.CODE_RESENT)


async def _counted(services: Services, order_id: OrderId, n: int, *kinds: Event) -> int:
    async with services.transactions.begin() as books:
        events = await books.records.timeline(order_id, after=0, limit=late_reports.MOST_EVENTS)
    return sum(stored.entry.event in kinds and stored.entry.data.model_dump().get("group") == n for stored in events)


async def _put_back(services: Services, found: StoreGroup, command: PutBack) -> GroupAnswer:
    """Units go back on the shelf: stock, record and timeline in one transaction."""
    order_id = found.order_id
    async with services.transactions.begin() as books:
        now = await books.records.group(order_id, command.n, locked=True)
        if now is None:
            raise _over(found.group)
        waiting = now.group.put_back
        lines = dict(waiting) if command.lines is None else dict(command.lines)
        _check(waiting, lines)
        returned = now.group.returned
        aside = {line: n - returned.get(line, 0) for line, n in waiting.items()}
        shelved = {line: part for line, n in lines.items() if (part := min(n, aside.get(line, 0))) > 0}
        back = {line: part for line, n in lines.items() if (part := n - shelved.get(line, 0)) > 0}
        group = now.group.model_copy(update={"put_back": _less(waiting, lines), "returned": _less(returned, back)})
        if lines:
            if now.group.in_transit and shelved:
                await books.inventory.relocate(_received(now, command, shelved, services.now()))
            if shelved:
                await books.inventory.put_back(_release("put_back", now, command, shelved, services.now()))
            if back:
                await books.inventory.take_back(_release("take_back", now, command, back, services.now()))
            entry = TimelineEntry(
                at=services.now(),
                event=Event.PUT_BACK,
                actor=command.actor,
                data=Fact.model_validate({"group": group.n, "lines": lines}),
            )
            await books.records.put_back(order_id, group, entry)
    return GroupAnswer(version=now.version, status=now.order_status, group=group, already=not lines)


def _release(what: str, found: StoreGroup, command: PutBack, lines: dict[LineId, int], at: datetime) -> Release:
    needs = {line.line_id: line.needs for line in found.lines}
    place = StoreId(found.group.at_work or "")
    return Release(
        key=operation_key(found.order_id, what, "after_end", command.command_id),
        at=at,
        order_id=found.order_id,
        lines=tuple(
            StockLine(line_id=line, sku=sku, location_id=place, quantity=asked)
            for line, n in lines.items()
            for sku, asked in pieces(needs[line], n).items()
        ),
        reason="put back",
    )


def _received(found: StoreGroup, command: PutBack, lines: dict[LineId, int], at: datetime) -> Relocate:
    """Not wanted any more when it was on its way: whoever puts it on the shelf has received it."""
    store = StoreId(found.group.store_id or "")
    there = _release("put_back", found, command, lines, at)
    road = tuple(line.model_copy(update={"location_id": in_transit_to(store)}) for line in there.lines)
    key = operation_key(found.order_id, "receive", "after_end", command.command_id)
    return Relocate(key=key, at=at, order_id=found.order_id, lines=road, to=store, aside=True)


def _less(there: dict[LineId, int], taken: dict[LineId, int]) -> dict[LineId, int]:
    return {line: rest for line, n in there.items() if (rest := n - taken.get(line, 0)) > 0}


def _check(waiting: dict[LineId, int], lines: dict[LineId, int]) -> None:
    for line, quantity in lines.items():
        if quantity > waiting.get(line, 0):
            raise Refused(
                Refusal(
                    kind=RefusalKind.TOO_MANY_UNITS,
                    detail=f"{waiting.get(line, 0)} units of line {line} wait to be put back, not {quantity}.",
                )
            )
