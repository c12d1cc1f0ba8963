"""Everything that enters a history is encrypted under the customer's key, which the workflow's id leads to.

A payload carries its key's id, so it is read wherever it turns up: in a worker, in a client, or on a page. A key that
cannot be had fails the task, which Temporal tries again: the workflow waits and alarms, it does not fail.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog
from prometheus_client import Counter
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from adapters.keys.cipher import SealBroken, seal, unseal
from adapters.keys.port import CustomerKeys, DataKey, KeyErased, KeyFault, KeyId, KeyMissing, KeysUnavailable
from domain.personal import ERASED, HIDDEN

ENCODING = b"binary/encrypted"
CIPHER = b"AES-256-GCM/1"
KEY_ID = "encryption-key-id"
CIPHER_NAME = "encryption-cipher"
READABLE = "throughline-readable"
"""Set by the payload converter on a text that its author marked `Readable`."""

_WORKFLOW_METADATA = b"temporal.api.sdk.v1.WorkflowMetadata"
_PERSONAL = ("order/", "return/", "application/", "cart/")

refusals = Counter(
    "throughline_codec_refusals",
    "Payloads that could not be encrypted or read, because of their key. Any increase needs a person.",
    ["reason"],
)
log = structlog.get_logger(__name__)


def holds_personal_data(workflow_id: str) -> bool:
    """These workflows must be bound to a customer's key before anything is sent to them."""
    return workflow_id.startswith(_PERSONAL)


class EncryptingCodec(PayloadCodec, WithSerializationContext):
    """AES-256-GCM under the key bound to the workflow of the context, or under a system key where there is none."""

    def __init__(
        self,
        keys: CustomerKeys,
        *,
        must_be_bound: Callable[[str], bool] = holds_personal_data,
        workflow_id: str | None = None,
    ) -> None:
        self._keys, self._must_be_bound, self._workflow_id = keys, must_be_bound, workflow_id

    def with_context(self, context: SerializationContext) -> "EncryptingCodec":
        workflow_id = (
            context.workflow_id
            if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext)
            else None
        )
        if workflow_id == self._workflow_id:
            return self
        return EncryptingCodec(self._keys, must_be_bound=self._must_be_bound, workflow_id=workflow_id)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        key: DataKey | None = None
        encoded = []
        for payload in payloads:
            if _stays_readable(payload):
                encoded.append(payload)
                continue
            if key is None:
                key = await self._key()
            encoded.append(_sealed(key, payload))
        return encoded

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        decoded = []
        for payload in payloads:
            try:
                decoded.append(await _opened(self._keys, payload))
            except (KeyFault, SealBroken) as fault:
                self._refuse(fault)
        return decoded

    async def _key(self) -> DataKey:
        workflow_id = self._workflow_id
        if workflow_id is None:
            return self._keys.system_key()
        try:
            if (bound := await self._keys.key_of_workflow(workflow_id)) is not None:
                return bound
            if self._must_be_bound(workflow_id):
                raise KeyMissing(f"{workflow_id} has no customer's key; call CustomerKeys.bind before it is started")
        except KeyFault as fault:
            self._refuse(fault)
        return self._keys.system_key()

    def _refuse(self, fault: Exception) -> NoReturn:
        reason = _REASONS.get(type(fault), "unreadable")
        refusals.labels(reason).inc()
        log.error("codec refused", reason=reason, workflow_id=self._workflow_id, detail=str(fault))
        raise fault


_REASONS: dict[type[Exception], str] = {KeyErased: "erased", KeyMissing: "missing", KeysUnavailable: "unavailable"}


class PageCodec:
    """The codec as people's pages use it (the Temporal UI): what cannot be read is a word, never an error."""

    def __init__(self, keys: CustomerKeys) -> None:
        self._keys = keys

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises `KeysUnavailable`."""
        return [await self._shown(payload) for payload in payloads]

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Under a system key, since a page does not say to which workflow it sends."""
        key = self._keys.system_key()
        return [_sealed(key, payload) for payload in payloads]

    def hidden(self, payloads: Sequence[Payload]) -> list[Payload]:
        """For a reader who may not read: every encrypted payload is the word "hidden"."""
        return [_word(HIDDEN) if _is_encrypted(payload) else payload for payload in payloads]

    def key_ids(self, payloads: Sequence[Payload]) -> list[str]:
        """The ids of the keys that the payloads need, each once, for the audit."""
        ids = [_key_id(payload) for payload in payloads if _is_encrypted(payload)]
        return list(dict.fromkeys(ids))

    async def _shown(self, payload: Payload) -> Payload:
        try:
            return await _opened(self._keys, payload)
        except KeyErased:
            return _word(ERASED)
        except KeyMissing:
            return _word("key missing")
        except SealBroken:
            return _word("unreadable")


def _sealed(key: DataKey, payload: Payload) -> Payload:
    return Payload(
        metadata={"encoding": ENCODING, CIPHER_NAME: CIPHER, KEY_ID: key.id.encode()},
        data=seal(key, payload.SerializeToString(), CIPHER),
    )


async def _opened(keys: CustomerKeys, payload: Payload) -> Payload:
    if not _is_encrypted(payload):
        return payload
    cipher = payload.metadata.get(CIPHER_NAME, b"")
    if cipher != CIPHER:
        raise SealBroken(f"unknown cipher {cipher[:32]!r}: this process is older than the history it reads")
    key = await keys.key(KeyId(_key_id(payload)))
    return Payload.FromString(unseal(key, payload.data, CIPHER))


def _is_encrypted(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def _key_id(payload: Payload) -> str:
    return payload.metadata.get(KEY_ID, b"").decode("ascii", "replace")


def _stays_readable(payload: Payload) -> bool:
    """Texts marked so by their author, and the answer to the UI's question for a workflow's current details."""
    metadata = payload.metadata
    return READABLE in metadata or metadata.get("messageType") == _WORKFLOW_METADATA


def _word(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=f'"{text}"'.encode())
