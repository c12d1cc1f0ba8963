"""Four eyes: who may approve how much, and which approvals still count."""

from collections.abc import Sequence

from pydantic import AwareDatetime, BaseModel, ConfigDict


class ApprovalTier(BaseModel):
    """Up to and including `up_to` minor units so many approvers are needed, each with the role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: int | None = None
    """None: any amount."""
    approvers: int
    role: str


class Reviewer(BaseModel):
    """One login. `person` is who sits behind it: two logins of one person are one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    login: str
    person: str
    roles: frozenset[str] = frozenset()


class Approval(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewer: Reviewer
    terms_hash: str
    at: AwareDatetime


def tier_for(matrix: Sequence[ApprovalTier], amount: int) -> ApprovalTier | None:
    """The tier of an amount; none when it is above all of them: nobody here may approve it."""
    return next((tier for tier in matrix if tier.up_to is None or amount <= tier.up_to), None)


def counting(
    approvals: Sequence[Approval], *, terms_hash: str, makers: frozenset[str], tier: ApprovalTier
) -> list[Approval]:
    """The approvals that count: of these very terms, by someone with the role who made nothing of it, each person once.

    `makers`: the persons who keyed the application or made the decision.
    """
    seen: dict[str, Approval] = {}
    for approval in approvals:
        reviewer = approval.reviewer
        if approval.terms_hash != terms_hash or reviewer.person in makers or tier.role not in reviewer.roles:
            continue
        seen.setdefault(reviewer.person, approval)
    return list(seen.values())


def missing(
    matrix: Sequence[ApprovalTier],
    amount: int,
    approvals: Sequence[Approval],
    *,
    terms_hash: str,
    makers: frozenset[str],
) -> int | None:
    """How many approvals are still needed; none when no tier covers the amount."""
    tier = tier_for(matrix, amount)
    if tier is None:
        return None
    return max(0, tier.approvers - len(counting(approvals, terms_hash=terms_hash, makers=makers, tier=tier)))
