"""Settings: all that differs between one installation and another, read from the environment once at start.

Every name has the prefix `THROUGHLINE_`. The embedded stack sets them itself for the processes that it starts.
"""

import base64
import binascii
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "THROUGHLINE_"

Policy = Literal["standard", "short"]
"""Real durations, or days played in seconds."""


def _holds_a_key(secret: SecretStr) -> SecretStr:
    try:
        raw = base64.b64decode(secret.get_secret_value(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise ValueError("must be 32 random bytes in base64; make them with `openssl rand -base64 32`")
    return secret


def _holds_keys(secret: SecretStr) -> SecretStr:
    for part in secret.get_secret_value().split(","):
        _holds_a_key(SecretStr(part.strip()))
    return secret


def _names_a_store(address: str) -> str:
    if address and not re.match(r"(s3|gs|az)://[^/]", address):
        raise ValueError("must be like s3://bucket/path, gs://bucket/path or az://container/path")
    if address and find_spec("obstore") is None:
        raise ValueError("needs the extra: pip install 'throughline[object-store]'")
    return address


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Key = Annotated[SecretStr, AfterValidator(_holds_a_key)]
"""A key of 32 random bytes, written in base64."""


KeyRing = Annotated[SecretStr, AfterValidator(_holds_keys)]
"""Such keys with commas between: the first is used, all are known, so that it can be changed without a break."""


def ring_bytes(ring: SecretStr) -> list[bytes]:
    """The keys of a `KeyRing`, the one in use first."""
    return [key_bytes(SecretStr(part.strip())) for part in ring.get_secret_value().split(",")]


def key_bytes(key: SecretStr) -> bytes:
    """The 32 bytes of a `Key`."""
    return base64.b64decode(key.get_secret_value())


class WebhookSecrets(BaseModel):
    """One signing secret for each kind of system that sends us events, as Standard Webhooks writes them (`whsec_…`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    payment: SecretStr
    fraud: SecretStr
    carrier: SecretStr
    locker: SecretStr
    bureau: SecretStr
    partner: SecretStr | None = None
    """None: partners are looked at, and no event of theirs is taken."""
    signature: SecretStr | None = None
    """None: the same of the signature provider."""

    def revealed(self) -> dict[str, str]:
        """The secrets in clear, by kind of system. Never log it."""
        secrets = {name: getattr(self, name) for name in type(self).model_fields}
        known = {name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None}
        return {name: secret for name, secret in known.items() if secret}


class Settings(BaseSettings):
    """What the API and the workers need to know."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    # Where the durable things are
    database_url: str = Field(
        description="PostgreSQL, as SQLAlchemy writes it: postgresql+psycopg://user:password@host:5432/throughline",
        repr=False,
    )
    database_pool_size: int = Field(10, ge=1, description="Connections that each process keeps open.")
    database_pool_overflow: int = Field(20, ge=0, description="Further connections that a process may open at a peak.")
    temporal_address: str = Field(
        "127.0.0.1:7233",
        validation_alias=AliasChoices("THROUGHLINE_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        description="Host and port of the Temporal frontend. TEMPORAL_ADDRESS, without the prefix, is honoured too.",
    )
    temporal_namespace: str = Field(
        "default",
        validation_alias=AliasChoices("THROUGHLINE_TEMPORAL_NAMESPACE", "TEMPORAL_NAMESPACE"),
        description="The Temporal namespace that holds the workflows.",
    )
    temporal_ui: str = Field("", description="The Temporal web UI's address, which may ask the codec endpoint.")
    data: Path = Field(Path(".throughline"), description="A folder for files that are kept, such as documents.")
    documents_url: Annotated[str, AfterValidator(_names_a_store)] = Field(
        "",
        description="An object store that keeps documents instead of that folder: s3://bucket/path, gs://… or az://…; "
        "credentials come from the environment, under each cloud's own names (AWS_…, GOOGLE_…, AZURE_…).",
    )

    # The API
    api_host: str = Field("127.0.0.1", description="The address that the API listens on.")
    api_port: int = Field(8180, ge=1, le=65535, description="The port that the API listens on.")
    api_url: str = Field("http://127.0.0.1:8180", description="The API as callers and customers' links reach it.")
    drain: float = Field(
        0.0, ge=0, description="Seconds that an API which stops still takes requests, so that balancers turn elsewhere."
    )
    rate_limit: int = Field(6000, ge=1, description="Requests a minute that one key may make.")

    # Systems outside
    payments_url: str = Field("http://127.0.0.1:8181", description="The payment provider's API.")
    carriers_url: str = Field("http://127.0.0.1:8183/carriers", description="The carriers' API.")
    lockers_url: str = Field("http://127.0.0.1:8183/lockers", description="The API of the locker operator.")
    partners_url: str = Field("http://127.0.0.1:8183/partners", description="The API of partners who ship for us.")
    signing_url: str = Field(
        "http://127.0.0.1:8183/signing", description="The API of the provider of electronic signatures."
    )
    smtp_host: str = Field("127.0.0.1", description="The mail server that notices are sent through.")
    smtp_port: int = Field(8125, ge=1, le=65535, description="The mail server's port.")
    mail_from: str = Field("orders@throughline.example", description="The sender of notices to customers.")
    mail_templates: Path | None = Field(None, description="A folder of mail templates that replace ours.")
    mail_url: str = Field("http://127.0.0.1:8182", description="The mail catcher's pages, in the sandbox.")
    webhook_secrets: WebhookSecrets = Field(
        description="Secrets of the webhooks in, one setting each: THROUGHLINE_WEBHOOK_SECRETS__PAYMENT, …__FRAUD, "
        "…__CARRIER, …__LOCKER, …__BUREAU; …__PARTNER and …__SIGNATURE where these send events.",
    )

    # Keys, each 32 random bytes in base64
    master_key: Key = Field(description="Wraps the key of each customer. Losing it loses all personal data.")
    code_key: Key = Field(description="Hashes pickup codes.")
    link_key: KeyRing = Field(description="Signs customers' links. Older ones, after commas, still open theirs.")
    lookup_key: Key = Field(description="Hashes mail addresses, phone numbers and API keys for look-up.")

    # Behaviour
    policy: Policy = Field(
        "standard", description="`standard` for real durations; `short` plays days in seconds, for demonstrations."
    )
    sandbox: bool = Field(
        True, description="Run workflows in Temporal's sandbox: on in development and tests; off costs half the CPU."
    )
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")

    # Workers
    pools: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="The worker pools that this process runs, with commas between; all when empty."
    )
    workflow_cache: int = Field(
        2000, ge=0, description="Workflows that a worker keeps in memory; keep it above the orders in flight."
    )
    workflow_tasks: int = Field(
        8,
        ge=2,
        description="Workflow tasks that a worker handles at once. Each needs the one interpreter: what waits for it "
        "longer than a task's time-out was done in vain.",
    )
    activities: int = Field(100, ge=1, description="Activities that each pool of a worker runs at once.")
    local_activities: int = Field(100, ge=1, description="Local activities that a worker runs at once.")
    payments_here: int = Field(
        32,
        ge=0,
        description="Calls to the payment system that a worker tries at once itself, before it asks the queue; "
        "0 for none.",
    )
    sticky_timeout: float = Field(
        3.0, ge=2.0, description="Seconds before a dead worker's cached workflows go to another one."
    )
    grace: float = Field(10.0, ge=0, description="Seconds that a process which stops gives to what it has begun.")
    metrics_host: str = Field("127.0.0.1", description="The address that the metrics of Temporal's SDK listen on.")
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="The port of those metrics, in the API and in workers; 0 for none.",
    )

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a child process. Holds secrets: never log it."""
        values: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            variable = PREFIX + name.upper()
            if isinstance(value, WebhookSecrets):
                values |= {f"{variable}__{name.upper()}": secret for name, secret in value.revealed().items()}
            elif isinstance(value, SecretStr):
                values[variable] = value.get_secret_value()
            elif isinstance(value, tuple):
                values[variable] = ",".join(value)
            elif value is not None:
                values[variable] = str(value)
        return values


class EmbeddedSettings(BaseSettings):
    """What the embedded stack itself may be told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    embedded_fsync: bool = Field(
        True,
        description="Off makes the embedded PostgreSQL faster and its data lost with the machine's power: tests only.",
    )
    temporal_address: str | None = Field(
        None,
        validation_alias=AliasChoices("THROUGHLINE_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        description="An existing Temporal cluster to use instead of a server of our own.",
    )
    temporal_namespace: str = Field(
        "default", validation_alias=AliasChoices("THROUGHLINE_TEMPORAL_NAMESPACE", "TEMPORAL_NAMESPACE")
    )
    temporal_ui: str = Field(
        "",
        validation_alias=AliasChoices("THROUGHLINE_TEMPORAL_UI", "TEMPORAL_UI_URL"),
        description="The web UI of that existing cluster.",
    )


def explain(error: ValidationError) -> str:
    """Which settings are missing or wrong, by the names that a person sets, without their values."""
    return "; ".join(
        f"{PREFIX}{'__'.join(str(part).upper() for part in fault['loc']).removeprefix(PREFIX)}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )
