"""One person is one, under whatever login, in whatever part."""

from adapters.access.port import Principal, PrincipalKind, Role
from domain.actors import Actor, ActorKind, Channel
from gateway.applications.persons import as_reviewer, officer_of, person_of


def login(name: str, kind: PrincipalKind, *rights: str) -> Principal:
    role = Role.UNDERWRITER if kind is PrincipalKind.UNDERWRITER else Role.OPS
    return Principal(id=name, kind=kind, channel=Channel.OPS, roles=frozenset({role}), rights=frozenset(rights))


def acts(behalf: str | None = None) -> Actor:
    return Actor(kind=ActorKind.OPS, id="x", channel=Channel.OPS, on_behalf_of=behalf)


def test_who_keys_as_office_and_reviews_as_underwriter_is_the_same_person() -> None:
    office = login("una-office", PrincipalKind.OPS, "person:una")
    home = login("una-at-home", PrincipalKind.UNDERWRITER, "person:una")
    una = login("una", PrincipalKind.UNDERWRITER)
    assert {person_of(each) for each in (office, home, una)} == {"una"}
    assert officer_of(office, acts()) == as_reviewer(home).person == as_reviewer(una).person


def test_a_channel_names_its_officer_and_a_customer_is_none() -> None:
    branch = Principal(id="branch", kind=PrincipalKind.CHANNEL, channel=Channel.BRANCH)
    assert officer_of(branch, acts("person/una")) == "una"
    assert officer_of(branch, acts("customer/C-1")) is None
    assert officer_of(branch, acts()) is None
