"""A tiny cross-encoder learns an easy ranking, and is kept, measured and found again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from finetune.dataset import save
from finetune.options import TrainedModel, TrainingData, TrainOptions
from finetune.reranker import RerankerBase, Rivals, train_reranker
from rag_service.adapters.cross_encoder import CrossEncoderReranker
from rag_service.adapters.reranker_registry import FileRerankers
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, Document, Pair, Split
from rag_service.loop.jobs import JobStore
from rag_service.loop.reranking import RerankerTuner
from tests.fakes.answering import World
from tests.fakes.filings import COMPANIES, filing
from tests.fakes.searches import word_searches
from tests.fakes.tiny_cross_encoder import tiny_cross_encoder
from tests.integration.command_line import CommandLine

_OPTIONS = TrainOptions(
    epochs=6, batch_size=8, learning_rate=5e-3, max_tokens=64, checkpoints=3, precision="float32"
)
_SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test", "test")
_REGIONS = 8


@dataclass(frozen=True)
class Setting:
    """Each question asks for the audited accounts of a region; drafts of it stand beside them."""

    base: RerankerBase
    data: TrainingData
    chunks: dict[str, Chunk]
    rivals: Rivals

    def train(
        self, out: Path, options: TrainOptions = _OPTIONS, progress: Progress = no_progress
    ) -> TrainedModel:
        return train_reranker(
            self.base, self.data, self.chunks, self.rivals, out, options, progress
        )


def passages(company: str) -> list[Chunk]:
    """For each region of one filing, the audited accounts and three drafts."""
    like = filing(company, 2023)[0]
    texts = [
        f"{kind} accounts of region {region} of {company} say {17 * region + place}"
        for region in range(_REGIONS)
        for place, kind in enumerate(("audited", "draft", "first draft", "older draft"))
    ]
    return [
        replace(
            like,
            chunk_id=f"{like.document_id}.{place:016x}",
            text=text,
            context="",
            cells=None,
            position=place,
        )
        for place, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("setting")
    pairs: list[Pair] = []
    chunks: dict[str, Chunk] = {}
    rivals: dict[str, tuple[str, ...]] = {}
    for company, split in zip(COMPANIES, _SPLITS, strict=True):
        own = passages(company)
        chunks |= {chunk.chunk_id: chunk for chunk in own}
        for region in range(_REGIONS):
            audited, *drafts = own[4 * region : 4 * region + 4]
            question = f"what do accounts of region {region} of {company} say"
            name = f"{company} {region}"
            pairs.append(
                Pair(
                    question_id=name,
                    question=question,
                    answer="",
                    chunk_id=audited.chunk_id,
                    document=audited.document,
                    company=company,
                    source="template",
                    split=split,
                    relevant=(audited.chunk_id,),
                )
            )
            rivals[name] = tuple(draft.chunk_id for draft in drafts)
    words = [chunk.text for chunk in chunks.values()] + [pair.question for pair in pairs]
    base = RerankerBase("tests/cross", "c0", tiny_cross_encoder(folder / "base", words, tokens=32))
    data = save(pairs, {}, folder / "data", seed=13)
    yield Setting(base, data, chunks, Rivals(rivals, rivals))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return setting.train(tmp_path_factory.mktemp("trained"))


def rightly_ranked(setting: Setting, folder: Path) -> float:
    """Part of the test questions whose audited accounts stand first."""
    reranker = CrossEncoderReranker("tests", lambda: folder, "float32", 32)
    first = []
    for pair in setting.data.pairs:
        if pair.split == "test":
            ids = [*setting.rivals.train[pair.question_id], pair.chunk_id]
            scores = reranker.score(pair.question, [setting.chunks[key].text for key in ids])
            first.append(scores[-1] > max(scores[:-1]))
    return sum(first) / len(first)


def test_it_learns_on_documents_it_never_saw(setting: Setting, trained: TrainedModel) -> None:
    figures = trained.figures
    assert figures["improved"] is True
    assert figures["validation_score"] > max(0.95, figures["validation_base"] + 0.1)
    assert figures["train_questions"] == 3 * _REGIONS
    assert figures["train_pairs"] == 4 * 3 * _REGIONS
    assert rightly_ranked(setting, setting.base.folder) < 0.7
    assert rightly_ranked(setting, trained.folder) == 1.0
    assert setting.data.fingerprint in (trained.folder / "README.md").read_text()
    left = sorted(path.name for path in trained.folder.parent.iterdir())
    assert left == ["lock", "manifest.json", "model"]


def test_a_finished_training_is_not_repeated(setting: Setting, trained: TrainedModel) -> None:
    told: list[str] = []
    again = setting.train(trained.folder.parent, progress=lambda step, *_: told.append(step))
    assert again == trained
    assert not told


def test_an_interrupted_training_ends_with_the_same_weights(
    setting: Setting, trained: TrainedModel, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    def interrupt(step: str, done: int, total: int) -> None:
        if step == "training" and done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        setting.train(tmp_path, progress=interrupt)
    resumed = setting.train(tmp_path)
    assert resumed.figures["resumed_from"] == 12
    expected = load_file(trained.folder / "model.safetensors")
    got = load_file(resumed.folder / "model.safetensors")
    assert expected.keys() == got.keys()
    assert all((expected[name] == got[name]).all() for name in expected)


def test_what_cannot_be_ranked_is_refused(setting: Setting, tmp_path: Path) -> None:
    alone = replace(setting, rivals=Rivals(setting.rivals.train, {}))
    with pytest.raises(DataError, match="in validation"):
        alone.train(tmp_path)
    gone = replace(setting, chunks={})
    with pytest.raises(DataError, match="not stored any more"):
        gone.train(tmp_path)


@pytest.fixture
def tuner(setting: Setting, tmp_path: Path) -> RerankerTuner:
    world = World(tmp_path)
    for company in COMPANIES:
        own = passages(company)
        document = Document(own[0].document_id, own[0].document, own[0].facts, 1, len(own), 0, "")
        world.chunks.replace(document, own, None)
    chunks = list(setting.chunks.values())
    world.add_release("ma", chunks, live=True)
    return RerankerTuner(
        home=tmp_path,
        chunks=world.chunks,
        releases=world.releases,
        retriever=world.retriever,
        live_release=lambda: "r0001",
        searches=lambda _: word_searches(chunks),
        rerankers=FileRerankers(tmp_path, tmp_path / "cache", "float32", 32),
        hold=lambda _: None,
    )


@pytest.fixture
def ragloop(
    tuner: RerankerTuner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> CommandLine:
    @contextmanager
    def opened(*_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(reranker_tuner=tuner, jobs=JobStore(tmp_path))

    monkeypatch.setattr("rag_service.cli.reranking.open_services", opened)
    return CommandLine(tmp_path, {"RAGLOOP_PRECISION": "float32"}, monkeypatch, capfd)


def test_the_command_trains_keeps_and_measures(
    setting: Setting, ragloop: CommandLine, tmp_path: Path
) -> None:
    base = str(setting.base.folder)
    asked = ("finetune-reranker", "--base", base, "--from", setting.data.folder, "--negatives", 2)
    done = ragloop(*asked, "--learning-rate", 0.005, "--json")
    assert done.status == 0, done.stderr
    document = done.document
    name = document["reranker"]
    rerankers = FileRerankers(tmp_path, tmp_path / "cache", "float32", 32)
    assert rerankers.base_of(name) == base
    assert len(rerankers.load(name).score("which accounts", ["draft", "audited"])) == 2
    assert (document["base"], document["release"], document["seed"]) == (base, "r0001", 13)
    assert (document["questions"], document["documents"]) == (2 * _REGIONS, 2)
    assert document["training"]["train_pairs"] == 3 * 3 * _REGIONS
    for measure in ("ndcg@10", "mrr@10"):
        figures = document[measure]
        assert set(figures) == {"retrieved", "base", "reranker"}
        for figure in figures.values():
            assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert document["difference"][measure]["value"] == pytest.approx(
            figures["reranker"]["value"] - figures["base"]["value"]
        )
    again = ragloop("finetune-reranker", "--base", name, "--from", setting.data.folder, "--json")
    assert again.status == 2
    assert base in again.error["message"]


def test_without_data_it_says_how_to_make_some(ragloop: CommandLine, tmp_path: Path) -> None:
    refused = ragloop("finetune-reranker", "--json")
    assert (refused.status, refused.error["code"]) == (2, "not_found")
    assert "ragloop finetune" in refused.error["message"]
    refused = ragloop("finetune-reranker", "--from", tmp_path, "--json")
    assert str(tmp_path) in refused.error["message"]


def test_the_newest_data_of_the_home_or_a_jobs_is_taken(
    setting: Setting, tuner: RerankerTuner, tmp_path: Path
) -> None:
    for place, job in enumerate(("finetune-1", "improve-2")):
        folder = tmp_path / "jobs" / job / "data"
        shutil.copytree(setting.data.folder, folder)
        os.utime(folder / "manifest.json", (place, place))
    assert tuner.data_folder("").parent.name == "improve-2"
    assert tuner.data_folder("finetune-1").parent.name == "finetune-1"
    assert tuner.data_folder(str(setting.data.folder)) == setting.data.folder
