"""Who sits behind a login: two logins of one person are one, whether they key, decide or approve."""

from adapters.access.port import Principal, PrincipalKind
from domain.actors import Actor
from domain.lending.approvals import Reviewer

PERSON = "person:"
"""The right that names the person of a login which is not named after it."""
NAMED = "person/"
"""How a channel names the officer for whom it speaks."""


def person_of(principal: Principal) -> str:
    named = sorted(right.removeprefix(PERSON) for right in principal.rights if right.startswith(PERSON))
    return named[0] if named else principal.id


def officer_of(principal: Principal, actor: Actor) -> str | None:
    """The officer who keys something for the applicant: whom a channel names, or who sits in the office."""
    behalf = actor.on_behalf_of or ""
    if behalf.startswith(NAMED):
        return behalf.removeprefix(NAMED)
    return person_of(principal) if principal.kind is PrincipalKind.OPS else None


def as_reviewer(principal: Principal) -> Reviewer:
    roles = frozenset(role.value for role in principal.roles)
    return Reviewer(login=principal.id, person=person_of(principal), roles=roles)
