"""The registry's folders: what a kill, a change or a wrong model does to them."""

from __future__ import annotations

import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag_service.adapters import package_weights
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import ModelError
from tests.fakes.tiny_model import tiny_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny_model(tmp_path_factory.mktemp("saved"), ["net sales rose"]).path)


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "copy")


def registry(tmp_path: Path) -> FileModelRegistry:
    return FileModelRegistry(tmp_path / "home", tmp_path / "cache", "float32", 8)


def test_an_entry_outlives_its_source_its_process_and_a_move(copy: Path, tmp_path: Path) -> None:
    card = registry(tmp_path).add(copy, name="tiny", training={"seed": 13})
    shutil.rmtree(copy)
    (tmp_path / "home").rename(tmp_path / "moved")
    again = FileModelRegistry(tmp_path / "moved", tmp_path / "cache", "float32", 8)
    found = again.resolve("tiny")
    assert found.fingerprint == card.fingerprint
    assert found.path == str(tmp_path / "moved" / "models" / card.fingerprint)
    assert again.load(found.fingerprint).embed_queries(["net sales"]).shape == (1, card.dims)


def test_changed_weights_are_refused_at_loading(saved: Path, tmp_path: Path) -> None:
    card = registry(tmp_path).add(saved, name="tiny")
    weights = next(Path(card.path).rglob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="not those that were registered"):
        registry(tmp_path).load(card.fingerprint)


def test_a_changed_prompt_is_refused_at_loading(saved: Path, tmp_path: Path) -> None:
    card = registry(tmp_path).add(saved, name="tiny")
    entry = Path(card.path) / "ragloop.json"
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"query_prompt": "ask: "}))
    with pytest.raises(ModelError, match="not those that were registered"):
        registry(tmp_path).load(card.fingerprint)


def test_what_a_killed_add_left_is_no_model(saved: Path, tmp_path: Path) -> None:
    card = registry(tmp_path).add(saved, name="tiny")
    folder = Path(card.path)
    folder.rename(folder.with_name(f".adding-{card.fingerprint}"))
    assert registry(tmp_path).all() == []
    assert registry(tmp_path).add(saved, name="tiny").fingerprint == card.fingerprint
    assert not folder.with_name(f".adding-{card.fingerprint}").exists()


def test_adds_at_once_make_one_entry(saved: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        cards = list(pool.map(lambda n: registry(tmp_path).add(saved, name=f"t{n}"), range(3)))
    assert len({card.fingerprint for card in cards}) == 1
    assert len(registry(tmp_path).all()) == 1


def test_weights_that_do_not_fill_the_network_are_refused(copy: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = next(copy.rglob("*.safetensors"))
    tensors = load_file(weights)
    dropped = next(name for name in tensors if name.endswith("attention.self.query.weight"))
    del tensors[dropped]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lack 1 tensors"):
        registry(tmp_path).add(copy, name="tiny")
    assert registry(tmp_path).all() == []


def test_weights_that_are_not_finite_are_refused(copy: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = next(copy.rglob("*.safetensors"))
    tensors = {name: tensor * float("nan") for name, tensor in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="not finite"):
        registry(tmp_path).add(copy, name="tiny")


def test_a_trained_model_has_the_prompts_of_its_base(
    saved: Path, copy: Path, tmp_path: Path
) -> None:
    models = registry(tmp_path)
    base = models.add(saved, name="BAAI/bge-small-en-v1.5")
    assert base.query_prompt.startswith("Represent this sentence")
    (copy / "README.md").write_text("# Trained on what we know")
    config = copy / "config.json"
    place = config if config.exists() else next(copy.rglob("config.json"))
    place.write_text(json.dumps(json.loads(place.read_text()) | {"classifier_dropout": 0.5}))
    trained = models.add(copy, name="tuned", base=base.fingerprint)
    assert trained.query_prompt == base.query_prompt
    assert (Path(trained.path) / "README.md").read_text() == "# Trained on what we know"
    assert base.fingerprint in {card.base for card in models.all()}
    assert "tiny" not in (Path(base.path) / "README.md").read_text()


def test_a_name_of_two_models_is_an_error_that_lists_them(
    saved: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tiny_model(tmp_path_factory.mktemp("other"), ["net sales rose"], seed=1).path
    models = registry(tmp_path)
    cards = [models.add(folder, name="tuned") for folder in (saved, Path(other))]
    with pytest.raises(ModelError, match=cards[0].fingerprint) as raised:
        models.resolve("tuned")
    assert cards[1].fingerprint in raised.value.message


def test_a_name_of_the_catalogue_is_pulled_and_registered_under_its_full_name(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []

    def pull(name: str, *_: object) -> Path:
        pulled.append(name)
        return saved

    monkeypatch.setattr(package_weights, "pull", pull)
    models = registry(tmp_path)
    card = models.resolve("minilm")
    assert card.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert models.resolve("sentence-transformers/all-MiniLM-L6-v2") == card
    assert models.resolve("minilm") == card
    assert pulled == ["minilm"]


@pytest.mark.parametrize("name", ["smollm2", "./nowhere", "../../etc", "m/../../etc", ""])
def test_a_name_that_is_no_encoder_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        registry(tmp_path).resolve(name)


def test_an_encoder_that_nobody_uses_is_freed(saved: Path, tmp_path: Path) -> None:
    other = tiny_model(tmp_path / "other", ["net sales rose"], seed=1).path
    models = registry(tmp_path)
    first, second = (models.add(f, name=f.parent.name) for f in (saved, Path(other)))
    models.load(first.fingerprint)
    kept = models.load(second.fingerprint)
    gc.collect()
    assert list(models._loaded) == [second.fingerprint]
    assert models.load(second.fingerprint) is kept
