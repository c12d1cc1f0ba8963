"""Who holds a key, by the group and name under which `stack.json` shows it."""

from adapters.access.port import Principal, PrincipalKind, Role
from domain.actors import Channel
from workers.sample.places import STORES, WAREHOUSES

_CHANNELS = (
    Channel.WEB,
    Channel.APP,
    Channel.POS,
    Channel.CALL_CENTRE,
    Channel.MARKETPLACE,
    Channel.KIOSK,
    Channel.BRANCH,
    Channel.CHAT,
    Channel.SOCIAL,
)
_OPS = {
    "ada": {Role.OPS},
    "max": {Role.OPS, Role.OPS_MANAGER},
    "mia": {Role.OPS, Role.OPS_MANAGER},
    "tom": {Role.CUSTOMER_SERVICE},
    "eva": {Role.AUDITOR},
}
_UNDERWRITERS = {
    "una": {Role.UNDERWRITER},
    "ben": {Role.UNDERWRITER},
    "zoe": {Role.UNDERWRITER, Role.SENIOR_UNDERWRITER},
}
_SERVICES = {
    **{
        name: {f"webhooks:{name}"}
        for name in ("payment", "fraud", "carrier", "locker", "partner", "bureau", "signature")
    },
    "erp": {"stock:movements"},
}


def _channel(channel: Channel) -> Principal:
    roles = {Role.CUSTOMER_SERVICE} if channel is Channel.CALL_CENTRE else set()
    return Principal(id=channel.value, kind=PrincipalKind.CHANNEL, channel=channel, roles=frozenset(roles))


def _at(place: str, post: str, *roles: Role) -> Principal:
    return Principal(
        id=f"{place}-{post}",
        kind=PrincipalKind.STORE,
        channel=Channel.STORE,
        store_id=place,
        roles=frozenset(roles),
    )


FLAT = {channel.value: _channel(channel) for channel in _CHANNELS}
"""The channels' own keys stand at the top, `keys.web`."""

GROUPS: dict[str, dict[str, Principal]] = {
    "stores": {each.location_id: _at(each.location_id, "associate", Role.ASSOCIATE) for each in STORES},
    "managers": {each.location_id: _at(each.location_id, "manager", Role.ASSOCIATE, Role.MANAGER) for each in STORES},
    "warehouses": {
        each.location_id: _at(each.location_id, "warehouse", Role.ASSOCIATE, Role.WAREHOUSE) for each in WAREHOUSES
    },
    "ops": {
        name: Principal(id=name, kind=PrincipalKind.OPS, channel=Channel.OPS, roles=frozenset(roles))
        for name, roles in _OPS.items()
    },
    "underwriters": {
        name: Principal(id=name, kind=PrincipalKind.UNDERWRITER, channel=Channel.OPS, roles=frozenset(roles))
        for name, roles in _UNDERWRITERS.items()
    },
    "services": {
        name: Principal(
            id=f"service-{name}", kind=PrincipalKind.SERVICE, channel=Channel.SYSTEM, rights=frozenset(rights)
        )
        for name, rights in _SERVICES.items()
    },
}
"""`keys.stores.S001` and so on."""
