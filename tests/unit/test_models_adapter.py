"""A query adapter as files: what is one, what is refused, and what plain libraries make of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_service.adapters.model_files import Prompts, copy_model, identity
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import ModelError
from rag_service.core.types import ModelCard
from tests.fakes.adapted_model import adapted_model
from tests.fakes.tiny_model import tiny_model

TEXTS = ["net sales rose", "the dividend was raised", "leases"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_model(tmp_path_factory.mktemp("base"), TEXTS)


@pytest.fixture(scope="module")
def saved(base: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapted_model(base, tmp_path_factory.mktemp("adapted") / "model")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def prompts(base: ModelCard) -> Prompts:
    return Prompts(base.query_prompt, base.document_prompt)


def test_plain_sentence_transformers_loads_it(base: ModelCard, saved: Path) -> None:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(base.path, device="cpu", local_files_only=True)
    adapted = SentenceTransformer(str(saved), device="cpu", local_files_only=True)
    documents = plain.encode(TEXTS)
    assert np.array_equal(adapted.encode_document(TEXTS), documents)
    assert np.array_equal(adapted.encode(TEXTS), documents)
    prompt = base.query_prompt
    queries = adapted.encode_query(TEXTS)
    assert not np.allclose(queries, plain.encode(TEXTS, prompt=prompt), atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    assert adapted.get_embedding_dimension() == base.dims
    assert adapted.max_seq_length == plain.max_seq_length


def test_the_base_stays_byte_for_byte_and_names_the_document_vectors(
    base: ModelCard, saved: Path
) -> None:
    own, like, _ = identity(saved, prompts(base))
    alone, none, _ = identity(Path(base.path), prompts(base))
    assert (like, none) == (alone, "")
    assert own != alone
    for path in Path(base.path).rglob("*.safetensors"):
        assert (saved / path.relative_to(base.path)).read_bytes() == path.read_bytes()


def test_the_matrix_counts_and_is_copied(base: ModelCard, folder: Path, tmp_path: Path) -> None:
    before = identity(folder, prompts(base))
    copy_model(folder, tmp_path / "copy")
    assert identity(tmp_path / "copy", prompts(base)) == before
    (weights,) = folder.glob("*_Router/*/model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    own, like, _ = identity(folder, prompts(base))
    assert own != before[0]
    assert like == before[1]


Change = Callable[[dict[str, Any]], None]


def documents_too(config: dict[str, Any]) -> None:
    config["structure"]["document"] = config["structure"]["query"][:1]


def queries_by_default(config: dict[str, Any]) -> None:
    config["parameters"]["default_route"] = "query"


def another_route(config: dict[str, Any]) -> None:
    config["structure"]["image"] = []


def mapped(config: dict[str, Any]) -> None:
    config["parameters"]["route_mappings"] = {"('document', None)": "query"}


def another_module(config: dict[str, Any]) -> None:
    name = config["structure"]["query"][0]
    config["types"][name] = "sentence_transformers.sentence_transformer.modules.LSTM"


def outside(config: dict[str, Any]) -> None:
    name = config["structure"]["query"][0]
    config["types"] = {"../../elsewhere": config["types"][name]}
    config["structure"]["query"] = ["../../elsewhere"]


def nothing(config: dict[str, Any]) -> None:
    config.clear()


@pytest.mark.parametrize(
    "change",
    [documents_too, queries_by_default, another_route, mapped, another_module, outside, nothing],
)
def test_a_router_that_is_no_query_adapter_is_refused(
    base: ModelCard, folder: Path, change: Change
) -> None:
    (path,) = folder.glob("*_Router/router_config.json")
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="router_config"):
        identity(folder, prompts(base))


def test_a_router_before_other_modules_is_refused(base: ModelCard, folder: Path) -> None:
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text())
    listing.write_text(json.dumps([*modules, modules[1]]))
    with pytest.raises(ModelError, match="last step"):
        identity(folder, prompts(base))


def test_a_matrix_in_another_format_is_refused(base: ModelCard, folder: Path) -> None:
    (weights,) = folder.glob("*_Router/*/model.safetensors")
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        identity(folder, prompts(base))


def test_an_adapter_that_gives_other_dimensions_is_refused(
    base: ModelCard, folder: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    (weights,) = folder.glob("*_Router/*/model.safetensors")
    save_file({"linear.weight": torch.ones(8, base.dims)}, weights)
    config = weights.with_name("config.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"out_features": 8}))
    registry = FileModelRegistry(tmp_path / "home", tmp_path, "float32", 8)
    with pytest.raises(ModelError, match="8 dimensions to a query"):
        registry.add(folder, name="narrow")
    assert registry.all() == []


def test_a_card_that_names_other_document_vectors_is_refused_at_loading(
    base: ModelCard, saved: Path, tmp_path: Path
) -> None:
    registry = FileModelRegistry(tmp_path, tmp_path, "float32", 8)
    card = registry.add(saved, name="adapted")
    entry = Path(card.path) / "ragloop.json"
    changed = json.loads(entry.read_text()) | {"documents_like": "m0123456789abcdef"}
    entry.write_text(json.dumps(changed))
    with pytest.raises(ModelError, match="not those that were registered"):
        registry.load(card.fingerprint)


def test_a_card_from_before_adapters_is_read(base: ModelCard, tmp_path: Path) -> None:
    registry = FileModelRegistry(tmp_path, tmp_path, "float32", 8)
    card = registry.add(Path(base.path), name="tiny")
    entry = Path(card.path) / "ragloop.json"
    old = json.loads(entry.read_text())
    del old["documents_like"]
    entry.write_text(json.dumps(old))
    assert registry.get(card.fingerprint) == card
    assert registry.load(card.fingerprint).embed_queries(TEXTS).shape == (3, base.dims)
