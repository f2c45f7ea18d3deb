"""A query adapter from training to its release in Redis, on a tiny model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from eval.gate import GateThresholds
from finetune.build import build_pairs
from finetune.options import (
    BaseVectors,
    DataOptions,
    TrainedModel,
    TrainingData,
    TrainOptions,
)
from finetune.train import train
from rag_service.adapters.sentence_embedder import SentenceEmbedder
from rag_service.core.errors import ConfigError, DataError, ModelError
from rag_service.core.settings import Settings
from rag_service.core.types import Chunk, ModelCard, Vectors
from rag_service.loop.training import FinetuneOptions
from rag_service.wiring import Services
from tests.fakes.filings import filing, filings
from tests.fakes.tiny_model import tiny_model
from tests.unit.test_indexing import document

OPTIONS = TrainOptions(adapter=True, precision="float32")
DATA = DataOptions(max_questions=300)


class Setting:
    """Data, a base, and its encoder, which counts what it encodes."""

    def __init__(self, folder: Path) -> None:
        self.chunks = {chunk.chunk_id: chunk for chunk in filings()}
        self.data: TrainingData = build_pairs(
            list(self.chunks.values()), None, DATA, folder / "data"
        )
        words = [c.embedded_text for c in self.chunks.values()]
        words += [p.question for p in self.data.pairs]
        self.base: ModelCard = tiny_model(folder / "base", words)
        self.encoder = SentenceEmbedder(self.base, Path(self.base.path), "float32", 32)
        self.passages = 0

    def vectors(self) -> BaseVectors:
        def passages(chunks: Sequence[Chunk]) -> Vectors:
            self.passages += len(chunks)
            return self.encoder.embed_documents([chunk.embedded_text for chunk in chunks])

        return BaseVectors(self.encoder.embed_queries, passages)

    def train(self, out: Path, options: TrainOptions = OPTIONS, **more: Any) -> TrainedModel:
        more = {"vectors": self.vectors()} | more
        return train(self.base, Path(self.base.path), self.data, self.chunks, out, options, **more)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="module")
def trained(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return setting.train(tmp_path_factory.mktemp("trained"))


def test_an_adapter_lifts_retrieval_on_documents_it_never_saw(trained: TrainedModel) -> None:
    figures = trained.figures
    assert figures["adapter"] is True
    assert figures["improved"] is True
    assert figures["validation_score"] > figures["validation_base"] + 0.05
    assert figures["losses"][-1] < figures["losses"][0]
    assert figures["validation_score"] == max(figures["validation_by_weight"].values())
    assert figures["validation_by_weight"]["1.0"] == pytest.approx(
        max(figures["validation_by_step"].values())
    )
    assert figures["steps"] >= figures["best_step"] > 0
    json.dumps(figures)


def test_its_figures_are_measured_as_training_measures_them(
    setting: Setting, trained: TrainedModel
) -> None:
    from sentence_transformers import SentenceTransformer

    from finetune.validation import Validation

    pairs = setting.data.pairs
    validation = Validation(setting.base, pairs, setting.chunks, OPTIONS, gpu=True, bfloat16=False)
    plain = SentenceTransformer(setting.base.path, device="cpu", local_files_only=True)
    assert validation.score(plain) == pytest.approx(trained.figures["validation_base"], abs=1e-3)
    assert validation.questions == trained.figures["validation_questions"]
    adapted = SentenceTransformer(str(trained.folder), device="cpu", local_files_only=True)
    assert validation.score(adapted) == pytest.approx(trained.figures["validation_score"], abs=1e-3)


def test_the_result_is_the_base_with_one_module_more_and_a_card(
    setting: Setting, trained: TrainedModel
) -> None:
    base, folder = Path(setting.base.path), trained.folder
    before = {path.relative_to(base) for path in base.rglob("*") if path.is_file()}
    after = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert before <= after
    assert {path.parts[0] for path in after - before} == {"2_Router", "README.md"}
    card = (folder / "README.md").read_text()
    assert setting.data.fingerprint in card
    assert f"{trained.figures['validation_base']:.4f}" in card
    assert not list(folder.parent.glob("*.part"))


def test_the_same_seed_gives_the_same_matrix_and_another_seed_another(
    setting: Setting, trained: TrainedModel, tmp_path: Path
) -> None:
    again = setting.train(tmp_path / "again")
    other = setting.train(tmp_path / "other", replace(OPTIONS, seed=14))
    assert np.array_equal(matrix(again), matrix(trained))
    assert not np.array_equal(matrix(other), matrix(trained))


def test_a_finished_training_is_not_repeated(setting: Setting, trained: TrainedModel) -> None:
    encoded = setting.passages
    assert setting.train(trained.folder.parent) == trained
    assert setting.passages == encoded


def test_a_passage_is_encoded_once_and_training_takes_seconds(
    setting: Setting, tmp_path: Path
) -> None:
    before, started = setting.passages, time.monotonic()
    setting.train(tmp_path)
    assert setting.passages - before <= len(setting.chunks)
    assert time.monotonic() - started < 20


def test_hard_negatives_change_what_is_learnt(
    setting: Setting, trained: TrainedModel, tmp_path: Path
) -> None:
    training = [pair for pair in setting.data.pairs if pair.split == "train"]
    asked = {pair.chunk_id for pair in training}
    seen = {pair.document for pair in training}
    free = [c.chunk_id for c in setting.chunks.values() if c.document in seen]
    free = [chunk_id for chunk_id in free if chunk_id not in asked]
    others = {pair.question_id: free[:2] for pair in training}
    model = setting.train(tmp_path, negatives=others)
    assert model.figures["hard_negatives"] is True
    assert not np.array_equal(matrix(model), matrix(trained))


def test_an_adapter_that_does_not_help_says_so(setting: Setting, tmp_path: Path) -> None:
    options = replace(OPTIONS, learning_rate=1e-12, merge_weights=(1.0,))
    model = setting.train(tmp_path, options)
    assert model.figures["improved"] is False
    assert model.figures["steps"] < 60 * model.figures["best_step"], "it stops early"
    assert "No step" in (model.folder / "README.md").read_text()


def test_what_cannot_be_adapted_is_refused(setting: Setting, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vectors"):
        setting.train(tmp_path, vectors=None)
    for options in (replace(OPTIONS, dims=(16,)), replace(OPTIONS, processes=2)):
        with pytest.raises(ConfigError, match="questions alone"):
            setting.train(tmp_path, options)
    adapted = replace(setting.base, documents_like="m0123456789abcdef")
    with pytest.raises(ModelError, match="has a query adapter already"):
        train(
            adapted,
            Path(adapted.path),
            setting.data,
            setting.chunks,
            tmp_path,
            OPTIONS,
            vectors=setting.vectors(),
        )


@pytest.fixture
def services(setting: Setting, client: Redis, namespace: str, tmp_path: Path) -> Iterator[Services]:
    settings = Settings(
        home=tmp_path,
        namespace=namespace,
        embedding_model=setting.base.path,
        precision="float32",
        llm="none",
    )
    services = Services(settings, client, background=False)
    services.ensure_live()
    by_name: dict[str, list[Chunk]] = {}
    for chunk in setting.chunks.values():
        by_name.setdefault(chunk.document, []).append(chunk)
    for chunks in by_name.values():
        services.writer.put(document(chunks), chunks)
    yield services
    services.close()


def test_an_improvement_by_an_adapter_from_finetuning_to_rollback(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = filing("Alder Mills", 2024)
    ours = {chunk.embedded_text for chunk in [*services.chunks.chunks(), *new]}
    encoded: list[str] = []
    real = SentenceEmbedder.embed_documents

    def counted(self: SentenceEmbedder, texts: Sequence[str], on_done: Any = None) -> Vectors:
        encoded.extend(text for text in texts if text in ours)
        return real(self, texts, on_done)

    monkeypatch.setattr(SentenceEmbedder, "embed_documents", counted)
    base = services.releases.current()
    assert base is not None
    options = FinetuneOptions(DATA, OPTIONS)
    with services.jobs.run("improve", {}) as job:
        improvement = services.improver.run(job, options, GateThresholds())

    # Training and reindexing encode no document; the build and the gate each check a sample.
    assert len(encoded) == 2 * 8
    assert len(set(encoded)) == 8
    encoded.clear()
    before, after = improvement.judged.before, improvement.judged.after
    assert after.metrics["ndcg@10"].value > before.metrics["ndcg@10"].value
    assert improvement.judged.decision.promoted, improvement.judged.decision.reasons
    live = services.releases.current()
    assert live is not None
    card = services.registry.get(live.model)
    assert (live.release, card.base, card.documents_like) == (after.release, base.model, base.model)
    ids = sorted(services.chunks.chunk_ids())
    copied, original = (services.vectors.vectors(r.index, ids) for r in (live, base))
    assert np.array_equal(copied, original)

    services.writer.put(document(new), new)
    assert len(encoded) == len(new)
    assert new[0].document in {
        hit.chunk.document
        for hit in services.retriever.search_many(["Alder Mills 2024"], 50, live.release)[0]
    }
    assert services.rollback().release == base.release
    assert len(encoded) == len(new), "a rollback copies what came since"
    assert services.vectors.ids(base.index) == services.chunks.chunk_ids()
    again = services.promote(live.release)
    assert (again.state, again.release) == ("live", live.release)

    # The next adapter starts from the documents' model, not from the adapter that is live.
    with services.jobs.run("finetune", {}) as job:
        second = services.improver.finetune(job, live.release, options)
    assert (second.base, second.documents_like) == (base.model, base.model)
    assert len(encoded) == len(new)


def test_an_adapter_of_a_trained_model_knows_what_that_was_trained_on(
    services: Services, setting: Setting, tmp_path: Path
) -> None:
    live = services.releases.current()
    assert live is not None
    from tests.fakes.adapted_model import adapted_model

    root = services.registry.get(live.model)
    other = tiny_model(tmp_path / "other", ["net sales"], seed=5)
    (Path(other.path) / "training_questions.txt").write_text("", encoding="utf-8")
    tuned = services.registry.add(
        Path(other.path),
        name="tuned",
        base=root.fingerprint,
        training={"train_documents": ["seen.pdf"], "validation_documents": ["also.pdf"]},
    )
    release = services.indexer.build(tuned)
    with services.jobs.run("finetune", {}) as job:
        adapted = services.improver.finetune(job, release.release, FinetuneOptions(DATA, OPTIONS))
    assert adapted.base == adapted.documents_like == tuned.fingerprint
    assert "seen.pdf" in adapted.training["train_documents"]
    assert "also.pdf" in adapted.training["validation_documents"]
    assert len(adapted.training["train_documents"]) > 1
    # A full training goes back to the root, also from an adapter that came as a folder.
    foreign = services.registry.add(adapted_model(root, tmp_path / "foreign"), name="foreign")
    for card in (adapted, foreign):
        assert services.improver._root(card) == root


def matrix(model: TrainedModel) -> np.ndarray[Any, Any]:
    from safetensors.numpy import load_file

    (weights,) = model.folder.glob("*_Router/*/model.safetensors")
    (found,) = load_file(weights).values()
    return found
