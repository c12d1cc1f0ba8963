"""What a person sees while the stack starts: one line for each part, when it is there, with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.status import Status


@dataclass
class Step:
    """A part that is being started; `note` says where it is to be found."""

    name: str
    note: str = ""


class Progress(Protocol):
    """Shows steps as they begin and end."""

    def note(self, step: Step, note: str) -> None:
        """Say more about a step that goes on."""

    def begin(self, step: Step) -> None: ...

    def end(self, step: Step, seconds: float, *, done: bool) -> None: ...

    def say(self, text: str) -> None:
        """Say something that is no step."""


class Silent:
    """Shows nothing."""

    def note(self, step: Step, note: str) -> None:
        step.note = note

    def begin(self, step: Step) -> None:
        pass

    def end(self, step: Step, seconds: float, *, done: bool) -> None:
        pass

    def say(self, text: str) -> None:
        pass


class Lines:
    """Lines on a console, with a spinner for what goes on where there is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: list[Step] = []
        self._status: Status | None = None

    def note(self, step: Step, note: str) -> None:
        step.note = note
        self._refresh()
        if not self._console.is_terminal:
            self.say(f"{step.name}: {note}")

    def begin(self, step: Step) -> None:
        self._open.append(step)
        self._refresh()

    def end(self, step: Step, seconds: float, *, done: bool) -> None:
        self._open.remove(step)
        self._refresh()
        mark = "[green]✓[/]" if done else "[red]✗[/]"
        note = f" [dim]{escape(step.note)}[/]" if step.note else ""
        self._console.print(
            f" {mark} {escape(step.name)}{note} [dim]({seconds:.1f} s)[/]", highlight=False, soft_wrap=True
        )

    def say(self, text: str) -> None:
        self._console.print(f" [yellow]•[/] {escape(text)}", highlight=False, soft_wrap=True)

    def _refresh(self) -> None:
        if not self._open:
            if self._status is not None:
                self._status.stop()
                self._status = None
            return
        text = ", ".join(step.name + (f" ({step.note})" if step.note else "") for step in self._open)
        if self._status is None:
            self._status = self._console.status("")
            if self._console.is_terminal:
                self._status.start()
        self._status.update(f"[dim]starting {escape(text)} …[/]")


@contextmanager
def step(progress: Progress, name: str) -> Iterator[Step]:
    """Show a step while its work is done."""
    shown = Step(name)
    began = time.monotonic()
    progress.begin(shown)
    done = False
    try:
        yield shown
        done = True
    finally:
        progress.end(shown, time.monotonic() - began, done=done)
