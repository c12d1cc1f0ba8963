import socket

import pytest

from workers.stack.errors import PortTaken
from workers.stack.ports import LOOPBACK, OTHERS, PREFERRED, Ports, is_free


@pytest.fixture
def taken() -> int:
    """A port that someone listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_asked_for_and_taken_is_an_error_that_names_it(taken: int) -> None:
    with pytest.raises(PortTaken, match=rf"Port {taken} is taken.*another port"):
        Ports().pick("api", taken)


def test_another_port_is_picked_when_the_usual_one_is_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREFERRED, "api", taken)
    ports = Ports()
    assert ports.pick("api") in OTHERS
    ports.close()


def test_two_stacks_that_start_together_never_pick_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Ports(), Ports()
    usual = one.pick("api", preferred=False)
    monkeypatch.setitem(PREFERRED, "api", usual)
    assert is_free(usual)
    assert other.pick("api") != usual
    one.close()
    again = Ports()
    assert again.pick("api") == usual
    again.close()
    other.close()
