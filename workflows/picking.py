"""What was found on the shelf: whole units, and of kits the components that were not all there."""

from collections.abc import Mapping
from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.groups import Group
    from domain.ids import LineId, Sku
    from domain.kits import pieces, short_of, whole_units
    from domain.refusals import RefusalKind
    from domain.stock import RejectReason, StockEffect
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.refusing import refuse

Missing = Mapping[LineId, set[Sku]]
"""Components of kit lines that are not there, by line."""


class Found(NamedTuple):
    lines: dict[LineId, int]
    """Whole units; pieces that make no whole unit stay on the shelf."""
    missing: dict[LineId, set[Sku]]


def found_units(desk: Desk, group: Group, command: messages.Pick) -> Found:
    """The units that can be made of what was picked. Raises `Refused`."""
    lines, missing = dict(command.lines), dict[LineId, set[Sku]]()
    for line, there in command.components.items():
        _check_components(desk, line, set(there))
        needs = desk.book.needs[line]
        asked = group.units[line].count(UnitState.ALLOCATED) if line in group.units else 0
        for sku, wanted in pieces(needs, asked).items():
            if there.get(sku, 0) > wanted:
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"Line {line} asks for {wanted} of {sku}, not {there[sku]}. Leave the others on the shelf.",
                )
        lines[line] = whole_units(there, needs)
        missing[line] = short_of(there, needs, asked)
    return Found(lines, missing)


def missing_components(desk: Desk, command: messages.Reject) -> dict[LineId, set[Sku]]:
    """The components that a place says are not there. Raises `Refused`."""
    missing = {line: set(skus) for line, skus in command.missing.items()}
    for line, skus in missing.items():
        _check_components(desk, line, skus)
    return missing


def _check_components(desk: Desk, line: LineId, named: set[Sku]) -> None:
    kits = {each.line_id for each in desk.order.lines if each.components}
    if line not in kits or not named <= set(desk.book.needs[line]):
        raise refuse(
            RefusalKind.WRONG_UNIT,
            f"Line {line} is no kit of {', '.join(sorted(named)) or 'components'}. Its components are in your task.",
        )


def correct_stock(
    desk: Desk,
    group: Group,
    lines: dict[LineId, int],
    reason: RejectReason,
    effect: StockEffect,
    missing: Missing,
    found: dict[LineId, int],
) -> None:
    """What a rejection says about the place's stock: of a kit only about the components that were named.

    Nobody knows which piece of a kit is not there when none is named: its stock stays as it is counted.
    """
    kits = [line.line_id for line in desk.order.lines if line.components and line.line_id in lines]
    desk.book.stock(
        StockOperation.VARIANCE,
        lines,
        group.store_id,
        reason=reason,
        effect=effect,
        found=found,
        only={line: missing.get(line, set()) for line in kits},
    )
