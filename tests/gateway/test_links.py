from datetime import UTC, datetime, timedelta

import pytest

from gateway.links import CustomerLink, CustomerLinks, LinkKind
from gateway.problems import Problem

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LINK = CustomerLink(kind=LinkKind.CHOICE, order_id="01k", group=1, expires_at=NOW + timedelta(days=2))
LINKS = CustomerLinks([b"n" * 32, b"o" * 32])


def status(token: str, now: datetime = NOW) -> int:
    with pytest.raises(Problem) as refused:
        LINKS.read(token, now)
    return refused.value.status


@pytest.mark.parametrize("kind", list(LinkKind))
@pytest.mark.parametrize("group", [None, 1, 12])
def test_a_link_says_what_it_was_made_for(kind: LinkKind, group: int | None) -> None:
    link = LINK.model_copy(update={"kind": kind, "group": group})
    assert LINKS.read(LINKS.token(link), NOW) == link


def test_a_link_fits_in_a_path() -> None:
    token = LINKS.token(LINK)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert len(token) < 160


def test_a_link_ends_at_its_instant() -> None:
    token = LINKS.token(LINK)
    assert LINKS.read(token, LINK.expires_at - timedelta(seconds=1)) == LINK
    assert status(token, LINK.expires_at) == 410


def test_a_changed_or_foreign_link_does_not_exist() -> None:
    token = LINKS.token(LINK)
    other = LINKS.token(LINK.model_copy(update={"order_id": "01m"}))
    swapped = other.partition(".")[0] + "." + token.partition(".")[2]
    foreign = CustomerLinks([b"x" * 32]).token(LINK)
    for wrong in [
        swapped,
        foreign,
        token[:-1],
        token + "A",
        token + "=",
        token.partition(".")[0],
        "",
        ".",
        "\u00e9.\u00e9",
    ]:
        assert status(wrong) == 404, wrong


def test_each_single_changed_character_is_noticed() -> None:
    token = LINKS.token(LINK)
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        assert status(changed) == 404


def test_an_old_secret_is_still_believed_but_no_longer_signs() -> None:
    assert LINKS.read(CustomerLinks([b"o" * 32]).token(LINK), NOW) == LINK
    with pytest.raises(Problem):
        CustomerLinks([b"o" * 32]).read(LINKS.token(LINK), NOW)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        CustomerLinks([b"short"])
