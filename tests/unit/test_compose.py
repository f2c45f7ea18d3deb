"""docker-compose.yml against what the settings and the image really take."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag_service.core.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
DEFAULT = re.compile(r"\$\{(?P<name>[A-Z_]+):-(?P<default>[^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def interpolated(value: str) -> str:
    return DEFAULT.sub(lambda match: match["default"], value)


@pytest.mark.parametrize("service", ["ragloop", "train"])
def test_every_environment_value_is_a_setting_and_is_taken(
    compose: dict[str, Any], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = compose["services"][service]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, interpolated(str(value)))

    settings = load_settings()

    for name, value in environment.items():
        field = name.removeprefix("RAGLOOP_").lower()
        assert field in Settings.model_fields, f"{name} is not a setting"
        assert str(getattr(settings, field)) == interpolated(str(value))


def test_every_reference_is_declared(compose: dict[str, Any]) -> None:
    declared = set(compose["volumes"])
    for name, service in compose["services"].items():
        for dependency in service.get("depends_on", {}):
            assert dependency in compose["services"], f"{name} waits for unknown {dependency}"
        for volume in service.get("volumes", []):
            source = interpolated(volume).split(":")[0]
            assert source in declared or source.startswith((".", "/")), f"{name}: {volume}"


def test_a_dependency_waited_for_as_healthy_has_a_health_check(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for dependency, rule in service.get("depends_on", {}).items():
            if rule["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][dependency]


def test_redis_keeps_what_is_written(compose: dict[str, Any]) -> None:
    redis = compose["services"]["redis"]
    assert redis["image"] == "redis:8"
    assert "--appendonly yes" in " ".join(redis["command"])


def test_training_is_behind_the_gpu_profile_and_reserves_a_gpu(compose: dict[str, Any]) -> None:
    train = compose["services"]["train"]
    assert train["profiles"] == ["gpu"]
    (device,) = train["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_compose_follows_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            str(ROOT / "docker-compose.yml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
