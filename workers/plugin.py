"""One Temporal plugin for client, worker and replayer: pydantic payloads, encryption, encoded failures, the sandbox.

Give it to `Client.connect(plugins=[…])` only: workers take it over from their client. A `Replayer` is given its own.
"""

import copy
from collections.abc import Callable
from typing import Any, Self

import temporalio.converter
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    SerializationContext,
)
from temporalio.plugin import SimplePlugin
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from adapters.keys.cipher import SealBroken
from adapters.keys.port import CustomerKeys, KeyFault
from domain.personal import Readable
from workers.codec import READABLE, EncryptingCodec, holds_personal_data
from workers.whole_messages import WholeMessages

PASSED_THROUGH = (
    # Pure code and contracts: the same classes inside and outside, and no import cost for each workflow run. A module
    # is either passed or loaded inside, never both; so whole packages stand here, and `workflows` must not.
    "domain",
    "adapters",
    "activities",
    # What the domain builds on. ZoneInfo and date arithmetic work only in modules that are passed.
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_inspection",
    "tzdata",
    "holidays",
    "dateutil",
    "babel",
    "phonenumbers",
)


class JsonConverter(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON; a `Readable` text is marked, so that the codec leaves it as it is."""

    def to_payload(self, value: Any) -> Payload | None:
        payload = super().to_payload(value)
        if payload is not None and isinstance(value, Readable):
            payload.metadata[READABLE] = b"true"
        return payload


ENCODINGS = tuple(
    JsonConverter() if isinstance(converter, JSONPlainPayloadConverter) else converter
    for converter in DefaultPayloadConverter.default_encoding_payload_converters
)


class PayloadConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(*ENCODINGS)


class FailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """Messages and stack traces are encrypted, except where the key itself is at fault: those texts name ids only."""

    def __init__(self) -> None:
        super().__init__()
        self._plain = DefaultFailureConverter()

    def to_failure(
        self, exception: BaseException, payload_converter: temporalio.converter.PayloadConverter, failure: Failure
    ) -> None:
        if isinstance(exception, KeyFault | SealBroken):
            # A copy without traceback and cause, which might quote what they should not.
            self._plain.to_failure(type(exception)(str(exception)), payload_converter, failure)
        else:
            super().to_failure(exception, payload_converter, failure)


class WorkflowsConverter(DataConverter):
    """Only the codec looks at whose payload it is: the rest serves all workflows.

    The SDK asks for a converter of its own for every command and answer, and would make all of its parts anew.
    """

    def with_context(self, context: SerializationContext) -> Self:
        assert isinstance(self.payload_codec, EncryptingCodec)
        its_own = copy.copy(self)
        object.__setattr__(its_own, "payload_codec", self.payload_codec.with_context(context))
        return its_own


def data_converter(keys: CustomerKeys, *, must_be_bound: Callable[[str], bool] = holds_personal_data) -> DataConverter:
    return WorkflowsConverter(
        payload_converter_class=PayloadConverter,
        payload_codec=EncryptingCodec(keys, must_be_bound=must_be_bound),
        failure_converter_class=FailureConverter,
    )


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """The sandbox doubles a worker's CPU: on in development, tests and CI, and a setting turns it off in production."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def throughline_plugin(
    keys: CustomerKeys, *, sandbox: bool, must_be_bound: Callable[[str], bool] = holds_personal_data
) -> SimplePlugin:
    return SimplePlugin(
        "throughline",
        data_converter=data_converter(keys, must_be_bound=must_be_bound),
        workflow_runner=workflow_runner(sandbox=sandbox),
        interceptors=[WholeMessages()],
    )
