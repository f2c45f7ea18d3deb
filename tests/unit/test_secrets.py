"""Settings show no key and no password, however they are printed."""

from __future__ import annotations

import logging

import pytest

from rag_service.core.errors import ConfigError
from rag_service.core.settings import Settings, load_settings

SECRETS = {
    "redis_url": "rediss://somebody:hunter2@redis.example:6380/3?password=hunter2",
    "openai_api_key": "sk-hunter2",
    "openai_base_url": "https://somebody:hunter2@llm.example/v1",
    "ollama_host": "http://somebody:hunter2@ollama.example:11434",
    "traces": "http://somebody:hunter2@collector.example:4318",
}


def test_settings_are_shown_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(**SECRETS)  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO):
        logging.getLogger(__name__).info("%s %r", settings, settings)
    shown = f"{settings}{settings!r}{caplog.text}"
    assert "hunter2" not in shown
    assert "somebody" not in shown
    for host in ("redis.example", "llm.example", "ollama.example", "collector.example"):
        assert host in shown
    assert settings.redis_url == SECRETS["redis_url"]


def test_a_wrong_setting_beside_secrets_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"RAGLOOP_{name.upper()}", value)
    monkeypatch.setenv("RAGLOOP_PORT", "0")
    with pytest.raises(ConfigError, match="RAGLOOP_PORT='0'") as wrong:
        load_settings()
    assert "hunter2" not in wrong.value.message
    monkeypatch.setenv("RAGLOOP_PORT", SECRETS["redis_url"])
    with pytest.raises(ConfigError, match=r"RAGLOOP_PORT='rediss://redis\.example") as wrong:
        load_settings()
    assert "hunter2" not in wrong.value.message


@pytest.mark.parametrize("text", ["120", "0/minute", "-1/minute", "1/week", "1/minute;2/hour", " "])
def test_a_rate_that_is_none_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_RATE_ASK"):
        load_settings(rate_ask=text)
