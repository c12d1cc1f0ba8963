"""The returns policy that is built in, in the durations of a pack: version 0, for orders placed before any other."""

from datetime import timedelta

from domain.policy_packs import PolicyPack
from domain.returns.policy import BlindReturns, ReturnPolicy, ReturnTerms


def built_in(pack: PolicyPack) -> ReturnPolicy:
    """Thirty days from when the customer had it, no fees; days are as long as the pack plays them."""
    day = pack.day
    return ReturnPolicy(
        name=pack.name,
        version=0,
        terms=ReturnTerms(
            window=pack.return_window,
            send_within=14 * day,
            decide_within=3 * day,
            inspect_within=2 * day,
            settle_within=min(timedelta(hours=1), 2 * day),
            pay_within=max(3 * day, pack.pickup.payment_within),
            turn_up_within=60 * day,
        ),
        blind=BlindReturns(within=90 * day, lowest_price_of=60 * day),
    )
