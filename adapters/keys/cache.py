"""Unwrapped keys, remembered for seconds: long enough to be fast, short enough that an erasure is soon everywhere."""

import time
from collections import OrderedDict
from collections.abc import Callable

from adapters.keys.port import DataKey, KeyId

SECONDS = 3.0
SIZE = 10_000


class KeyCache:
    """Bounded; the least lately used goes first. `clock` counts seconds and never goes back."""

    def __init__(self, seconds: float = SECONDS, size: int = SIZE, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._size, self._clock = seconds, size, clock
        self._keys: OrderedDict[KeyId, tuple[DataKey, float]] = OrderedDict()
        # A binding never changes, so it needs no end; only the key behind it does.
        self._bindings: OrderedDict[str, KeyId] = OrderedDict()

    def key(self, key_id: KeyId) -> DataKey | None:
        found = self._keys.get(key_id)
        if found is None:
            return None
        if self._clock() >= found[1]:
            del self._keys[key_id]
            return None
        self._keys.move_to_end(key_id)
        return found[0]

    def key_of_workflow(self, workflow_id: str) -> DataKey | None:
        key_id = self._bindings.get(workflow_id)
        if key_id is None:
            return None
        self._bindings.move_to_end(workflow_id)
        return self.key(key_id)

    def asked(self) -> float:
        """The moment to hand to `remember`: taken before the table is asked, so that no key outlives an erasure."""
        return self._clock()

    def remember(self, key: DataKey, asked: float, workflow_id: str | None = None) -> DataKey:
        self._keys[key.id] = (key, asked + self._seconds)
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        if workflow_id is not None:
            self._bindings[workflow_id] = key.id
            if len(self._bindings) > self._size:
                self._bindings.popitem(last=False)
        return key

    def forget(self, key_id: KeyId) -> None:
        self._keys.pop(key_id, None)
