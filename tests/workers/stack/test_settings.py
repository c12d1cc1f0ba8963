import base64

import pytest
from pydantic import ValidationError

from workers.settings import EmbeddedSettings, Settings, explain, key_bytes, ring_bytes
from workers.stack.data import Secrets


@pytest.fixture
def settings() -> Settings:
    made = Secrets.generate()
    return Settings(
        database_url="postgresql+psycopg://u:p@db/x",
        webhook_secrets=made.webhook_secrets,
        pools=("orders", "payments"),
        policy="short",
        **{name: getattr(made, name) for name in ("master_key", "code_key", "link_key", "lookup_key")},
    )


def test_a_child_process_reads_back_the_settings_it_was_given(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings().model_dump() == settings.model_dump()
    assert len(key_bytes(settings.master_key)) == 32


def test_the_address_of_a_cluster_is_taken_without_the_prefix_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THROUGHLINE_TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.internal:7233")
    assert EmbeddedSettings().temporal_address == "temporal.internal:7233"
    monkeypatch.setenv("THROUGHLINE_TEMPORAL_ADDRESS", "ours:7233")
    assert EmbeddedSettings().temporal_address == "ours:7233"


def test_a_wrong_setting_is_named_as_a_person_sets_it_and_its_value_is_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    short = base64.b64encode(b"too short").decode()
    monkeypatch.setenv("THROUGHLINE_CODE_KEY", short)
    monkeypatch.delenv("THROUGHLINE_WEBHOOK_SECRETS__FRAUD")
    with pytest.raises(ValidationError) as caught:
        Settings()
    told = explain(caught.value)
    assert "THROUGHLINE_CODE_KEY" in told
    assert "THROUGHLINE_WEBHOOK_SECRETS__FRAUD" in told
    assert short not in told + str(caught.value)


def test_a_new_link_key_stands_before_the_old_one(settings: Settings) -> None:
    old = settings.link_key.get_secret_value()
    new = base64.b64encode(b"n" * 32).decode()
    values = settings.model_dump() | {"webhook_secrets": settings.webhook_secrets}
    changed = Settings(**(values | {"link_key": f"{new}, {old}"}))
    assert ring_bytes(changed.link_key) == [b"n" * 32, key_bytes(settings.link_key)]
    with pytest.raises(ValidationError):
        Settings(**(values | {"link_key": f"{new},"}))


def test_secrets_do_not_show_when_settings_are_printed(settings: Settings) -> None:
    shown = repr(settings)
    assert settings.master_key.get_secret_value() not in shown
    assert "u:p@db" not in shown
