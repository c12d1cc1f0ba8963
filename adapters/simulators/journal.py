"""An append-only file of changed records. A line is one commit, so a kill leaves all of a change or nothing of it.

Lines are written, not synced: they survive the death of the process, which is all a simulator needs, and cost little.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Journal:
    """`kinds`: the records of one system, each under the letter that marks it in the file."""

    def __init__(self, path: Path, kinds: Mapping[str, type[BaseModel]]) -> None:
        self._path = path
        self._kinds = kinds
        self._letters: dict[type[Any], str] = {kind: letter for letter, kind in kinds.items()}
        self._file: int | None = None

    def read(self) -> Iterator[Any]:
        """What was written, oldest first. A torn last line was never answered, and is passed over."""
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                for letter, record in json.loads(line):
                    yield self._kinds[letter].model_validate(record)

    def open(self, snapshot: Sequence[Any]) -> None:
        """Start a fresh file with what is true now, so that restarts keep it short; then append to it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with fresh.open("wb") as file:
            for record in snapshot:
                file.write(self._line([record]))
        fresh.replace(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def write(self, records: Sequence[Any]) -> None:
        if self._file is None:
            raise RuntimeError("Open the journal before writing to it.")
        os.write(self._file, self._line(records))

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _line(self, records: Sequence[Any]) -> bytes:
        parts = (f'["{self._letters[type(record)]}",{record.model_dump_json()}]' for record in records)
        return f"[{','.join(parts)}]\n".encode()
