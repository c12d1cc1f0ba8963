"""What the sample seller has decided for each of its channels."""

from domain.actors import Channel
from domain.terms import ChannelRules

_APPROVED_ABOVE = 50_000

RULES: dict[Channel, ChannelRules] = {channel: ChannelRules() for channel in Channel} | {
    # The order cannot be refused there any more, so a person settles what does not add up.
    Channel.MARKETPLACE: ChannelRules(holds_discrepancies=True),
    Channel.CALL_CENTRE: ChannelRules(holds_discrepancies=True),
    # A conversation sells nothing dear without a second look.
    Channel.CHAT: ChannelRules(approval_above=2 * _APPROVED_ABOVE),
    Channel.SOCIAL: ChannelRules(approval_above=_APPROVED_ABOVE),
}
