"""docker-compose.yml, .env.example and the Dockerfile against what they build and mount."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag_service.core.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
DEFAULT = re.compile(r"\$\{(?P<name>[A-Z_]+):-(?P<default>[^}]*)\}")
OWN = ("ragloop", "worker", "worker-gpu")
"""The services that run the project's image."""

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Compose:
    document: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def interpolated(value: str) -> str:
    return DEFAULT.sub(lambda match: match["default"], value)


@pytest.mark.parametrize("service", OWN)
def test_every_environment_value_is_a_setting_and_is_taken(
    compose: Compose, service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = compose["services"][service]["environment"] | {"RAGLOOP_SECRETS": str(tmp_path)}
    for name, value in environment.items():
        monkeypatch.setenv(name, interpolated(str(value)))

    settings = load_settings()

    for name, value in environment.items():
        field = name.removeprefix("RAGLOOP_").lower()
        assert field in Settings.model_fields, f"{name} is not a setting"
        assert str(getattr(settings, field)) == interpolated(str(value))


def test_every_reference_is_declared_and_every_mounted_file_exists(compose: Compose) -> None:
    used = set()
    for name, service in compose["services"].items():
        for dependency in service.get("depends_on", {}):
            assert dependency in compose["services"], f"{name} waits for unknown {dependency}"
        for network in service.get("networks", []):
            assert network == "default" or network in compose["networks"]
        for volume in service.get("volumes", []):
            source, *_, mode = interpolated(volume).split(":")
            if not source.startswith("."):
                used.add(source)
                continue
            assert mode == "ro", f"{name} may write to {source}"
            # A user's own folders are made when they are first mounted.
            assert "${" in volume or (ROOT / source).exists(), f"{name} mounts no {source}"
    assert used == set(compose["volumes"])


def test_a_dependency_waited_for_as_healthy_has_a_health_check(
    compose: Compose, dockerfile: str
) -> None:
    assert "HEALTHCHECK" in dockerfile
    for service in compose["services"].values():
        for dependency, rule in service.get("depends_on", {}).items():
            if rule["condition"] == "service_healthy":
                awaited = compose["services"][dependency]
                assert "healthcheck" in awaited or awaited["image"].startswith("ragloop:")


def test_they_start_in_order(compose: Compose) -> None:
    def waits_for(service: str) -> dict[str, str]:
        rules = compose["services"][service].get("depends_on", {})
        return {name: rule["condition"] for name, rule in rules.items()}

    ready = {"redis": "service_healthy", "ollama-model": "service_completed_successfully"}
    assert waits_for("ollama-model") == {"ollama": "service_healthy"}
    assert waits_for("ragloop") == ready
    assert waits_for("worker") == waits_for("worker-gpu") == ready | {"ragloop": "service_healthy"}
    assert waits_for("prometheus") == {"ragloop": "service_healthy"}
    assert waits_for("grafana") == {"prometheus": "service_healthy"}


def test_what_is_not_needed_by_all_is_behind_a_profile(compose: Compose) -> None:
    profiles = {name: service.get("profiles") for name, service in compose["services"].items()}
    assert {name for name, p in profiles.items() if p == ["observe"]} == {"prometheus", "grafana"}
    assert {name for name, p in profiles.items() if p == ["gpu"]} == {"worker-gpu"}
    assert {name for name, p in profiles.items() if p is None} == {
        *("redis", "ollama", "ollama-model", "ragloop", "worker")
    }


def test_nothing_is_published_beyond_this_machine(compose: Compose) -> None:
    published = [port for s in compose["services"].values() for port in s.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert compose["services"]["redis"]["networks"] == ["store"]
    assert compose["networks"]["store"]["internal"] is True


def test_prometheus_is_where_it_is_looked_for(compose: Compose) -> None:
    assert compose["services"]["prometheus"]["network_mode"] == "service:ragloop"
    scraped = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
    [job] = scraped["scrape_configs"]
    port = compose["services"]["ragloop"]["environment"]["RAGLOOP_PORT"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
    sources = ROOT / "ops/grafana/provisioning/datasources/prometheus.yml"
    [source] = yaml.safe_load(sources.read_text())["datasources"]
    assert source["url"] == "http://ragloop:9090"


@pytest.mark.parametrize("service", OWN)
def test_the_service_and_its_workers_need_no_rights(compose: Compose, service: str) -> None:
    described = compose["services"][service]
    assert described["environment"]["RAGLOOP_AUTH"] == "on"
    assert described["read_only"] is True
    assert described["init"] is True
    assert described["cap_drop"] == ["ALL"]
    assert described["tmpfs"] == ["/tmp"]


def test_everything_that_stays_has_a_limit_and_comes_back(compose: Compose) -> None:
    for name, service in compose["services"].items():
        if name == "ollama-model":
            continue
        assert service["restart"] == "unless-stopped"
        assert "memory" in service["deploy"]["resources"]["limits"], name


def test_redis_keeps_what_is_written(compose: Compose) -> None:
    redis = compose["services"]["redis"]
    assert redis["image"] == "redis:8"
    assert "--appendonly yes" in " ".join(redis["command"])


def test_the_gpu_worker_has_the_cuda_image_and_reserves_a_gpu(compose: Compose) -> None:
    worker = compose["services"]["worker-gpu"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert worker["build"]["target"] == "cuda"
    assert worker["image"] != compose["services"]["worker"]["image"]
    assert worker["build"]["args"] == compose["services"]["worker"]["build"]["args"]


def test_the_worker_is_healthy_while_jobs_are_worked_off(compose: Compose, tmp_path: Path) -> None:
    from rag_service.loop.jobs import JobStore

    _, python, *rest = compose["services"]["worker"]["healthcheck"]["test"]
    assert python == "python"
    check = [sys.executable, *(part.replace("/data", str(tmp_path)) for part in rest)]
    assert subprocess.run(check, cwd=ROOT, check=False).returncode == 1
    with JobStore(tmp_path).working_off(lambda: None):
        assert subprocess.run(check, cwd=ROOT, check=False).returncode == 0


def test_what_the_example_sets_is_asked_for(compose: Compose) -> None:
    asked = {match["name"]: match["default"] for match in DEFAULT.finditer(_text())}
    example = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert {name for name, _ in example} == set(asked)
    secret = {"GRAFANA_PASSWORD", "RAGLOOP_ALLOWED_HOSTS"}
    assert [name for name, value in example if value != asked[name] and name not in secret] == []


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


def test_a_setting_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ragloop_openai_api_key").write_text("secret\n")
    (tmp_path / "ragloop_namespace").write_text("of-the-file")
    monkeypatch.setenv("RAGLOOP_SECRETS", str(tmp_path))
    monkeypatch.setenv("RAGLOOP_NAMESPACE", "of-the-environment")
    settings = load_settings()
    assert (settings.openai_api_key, settings.namespace) == ("secret", "of-the-environment")


def test_both_targets_are_there_and_run_as_nobody(compose: Compose, dockerfile: str) -> None:
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]
    by_name = {re.split(r"\s+", stage)[2]: stage for stage in stages}
    assert list(by_name)[-1] == "cpu", "the last stage is what a plain build makes"
    for target in ("cpu", "cuda"):
        assert by_name[target].startswith("runtime AS")
        assert by_name[target].rstrip().endswith("USER ragloop")
        # The code comes last, so that a change of it leaves the dependencies' layer alone.
        assert by_name[target].index("dependencies-") < by_name[target].index("from=wheel")
    assert {compose["services"][name]["build"]["target"] for name in OWN} == {"cpu", "cuda"}


def test_the_image_takes_what_is_there(compose: Compose, dockerfile: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extras in re.findall(r'"\.\[([a-z,-]+)\]"', dockerfile):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    context = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in re.findall(r"^COPY ((?:[\w.-]+ )+)\./$", dockerfile, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in context
    arguments = set(re.findall(r"^ARG ([A-Z_]+)$", dockerfile, re.MULTILINE))
    assert arguments == set(compose["services"]["ragloop"]["build"]["args"])
    version = project["version"]
    assert compose["services"]["ragloop"]["image"] == f"ragloop:{version}-cpu"
    assert compose["services"]["worker-gpu"]["image"] == f"ragloop:{version}-cuda"


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", ".env.example", "Makefile"])
def test_no_package_index_is_named(name: str) -> None:
    hosts = re.findall(r"https?://([^/\s:\"']+)", (ROOT / name).read_text())
    assert set(hosts) <= {"127.0.0.1", "ollama"}


def _text() -> str:
    return (ROOT / "docker-compose.yml").read_text()
