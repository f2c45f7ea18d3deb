"""What a job may be asked for: nothing that reaches a path which the caller chose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.core.errors import InvalidRequest
from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard
from rag_service.loop.finetune_choices import FinetuneChoices
from rag_service.loop.job_arguments import FinetuneArguments, check_arguments
from tests.fakes.models import FakeRegistry


class Registry(FakeRegistry):
    def __init__(self, *cards: ModelCard) -> None:
        super().__init__()
        self._known = list(cards)

    def all(self) -> list[ModelCard]:
        return self._known


CARD = ModelCard(
    fingerprint="m1",
    name="bge",
    path="/models/m1",
    dims=4,
    max_tokens=512,
    query_prompt="",
    document_prompt="",
    created="2024-01-01T00:00:00Z",
)
REGISTRY = Registry(CARD, replace(CARD, fingerprint="m2", created="2024-02-01T00:00:00Z"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    uploads = tmp_path / "uploads" / "u1"
    uploads.mkdir(parents=True)
    (uploads / "a.pdf").touch()
    (uploads / "out").symlink_to("/etc")
    (tmp_path / "secret.pdf").touch()
    return Settings(home=tmp_path, llm="none")


def test_uploads_are_ingested_whichever_way_they_are_named(settings: Settings) -> None:
    named = ["u1/a.pdf", str(settings.home / "uploads/u1/a.pdf"), "u1/../u1/a.pdf"]
    checked = check_arguments("ingest", {"paths": named}, settings, REGISTRY)
    assert checked == {"paths": ["u1/a.pdf"] * 3}


@pytest.mark.parametrize(
    "path", ["../secret.pdf", "/etc/passwd", "u1/../../secret.pdf", "u1/out/passwd", ".", "a\0b"]
)
def test_no_other_file_of_the_machine_is(settings: Settings, path: str) -> None:
    with pytest.raises(InvalidRequest, match="uploaded"):
        check_arguments("ingest", {"paths": ["u1/a.pdf", path]}, settings, REGISTRY)


def test_a_file_that_is_gone_is_to_be_sent_again(settings: Settings) -> None:
    with pytest.raises(InvalidRequest, match="send it again"):
        check_arguments("ingest", {"paths": ["u1/a.pdf", "u1/b.pdf"]}, settings, REGISTRY)


def test_a_model_is_one_of_the_registry_and_the_newest_of_its_name(settings: Settings) -> None:
    for name, found in (("bge", "m2"), ("m1", "m1")):
        checked = check_arguments("reindex", {"model": name}, settings, REGISTRY)
        assert checked["model"] == found
    for unknown in ("/models/m1", "BAAI/bge-small-en-v1.5", "../m1"):
        with pytest.raises(InvalidRequest, match="registered"):
            check_arguments("reindex", {"model": unknown}, settings, REGISTRY)


def test_a_release_to_judge_is_handed_on_as_it_is_named(settings: Settings) -> None:
    assert check_arguments("judge", {"release": "r0002"}, settings, REGISTRY) == {
        "release": "r0002"
    }


def test_the_wrong_argument_is_named(settings: Settings) -> None:
    with pytest.raises(InvalidRequest, match=r"improve: epochs: .*greater.*; volume: Extra"):
        check_arguments("improve", {"epochs": 0, "volume": 11}, settings, REGISTRY)


def test_what_the_settings_lack_is_told_before_anything_is_queued(settings: Settings) -> None:
    checked = check_arguments("improve", {}, settings, REGISTRY)
    assert FinetuneArguments(**checked).options(settings).data.max_llm_questions == 0
    with pytest.raises(InvalidRequest, match="RAGLOOP_LLM is none"):
        check_arguments("improve", {"llm_questions": 5}, settings, REGISTRY)
    with pytest.raises(InvalidRequest, match="loss"):
        check_arguments("finetune", {"loss": "guess"}, settings, REGISTRY)


def test_a_job_has_the_same_choices_as_the_command_line(settings: Settings) -> None:
    files = {"questions_file", "train_data", "data_format", "only_own"}
    chosen = set(FinetuneChoices.__dataclass_fields__) - files - {"llm_insisted"}
    assert set(FinetuneArguments.model_fields) == chosen
