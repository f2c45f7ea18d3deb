"""Folders of models that hold code, pickled or as modules: refused, and none of it runs."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag_service.adapters.cross_encoder import load_cross_encoder
from rag_service.adapters.llm_transformers import TransformersGenerator
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.adapters.sentence_embedder import load_encoder
from rag_service.core.errors import GenerationError, ModelError
from tests.fakes.tiny_cross_encoder import tiny_cross_encoder
from tests.fakes.tiny_llm import tiny_llm
from tests.fakes.tiny_model import tiny_model

WORDS = "what were net sales"


class Bomb:
    """Whoever unpickles it makes the folder ``ran``."""

    def __init__(self, ran: Path) -> None:
        self.ran = ran

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.ran),)


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "llm").mkdir()
    return {
        "encoder": Path(tiny_model(folder / "encoder", [WORDS]).path),
        "reranker": tiny_cross_encoder(folder / "reranker", [WORDS]),
        "llm": tiny_llm(folder / "llm"),
    }


def load(kind: str, folder: Path, home: Path) -> None:
    """As a user would have the folder loaded: what it makes of it is thrown away."""
    if kind == "encoder":
        FileModelRegistry(home, home / "cache", "float32", 2).resolve(str(folder))
    elif kind == "reranker":
        load_cross_encoder(folder)
    else:
        asyncio.run(_first_piece(TransformersGenerator(str(folder), 30, 1, "float32")))


async def _first_piece(llm: TransformersGenerator) -> None:
    try:
        async for _ in llm.stream([{"role": "user", "content": "Hi"}], max_tokens=1):
            return
    finally:
        await llm.aclose()


def pickled(folder: Path, ran: Path) -> None:
    for weights in folder.rglob("*.safetensors"):
        weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(ran)))


def with_code(folder: Path, ran: Path) -> None:
    """Of an architecture that nobody knows, whose code lies beside it."""
    code = f"import os\nos.mkdir({str(ran)!r})\nclass Own: pass\n"
    (folder / "modeling_own.py").write_text(code)
    path = folder / "config.json"
    auto = ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoModelForSequenceClassification")
    config = json.loads(path.read_text())
    config["model_type"] = "own"
    config["auto_map"] = dict.fromkeys(auto, "modeling_own.Own")
    path.write_text(json.dumps(config))


@pytest.mark.parametrize("kind", ["encoder", "reranker", "llm"])
@pytest.mark.parametrize("spoil", [pickled, with_code])
def test_a_folder_with_code_is_refused_and_none_of_it_runs(
    models: dict[str, Path],
    tmp_path: Path,
    ran: Path,
    kind: str,
    spoil: Callable[[Path, Path], None],
) -> None:
    folder = tmp_path / kind
    shutil.copytree(models[kind], folder)
    load(kind, folder, tmp_path / "before")
    spoil(folder, ran)
    with pytest.raises((ModelError, GenerationError)) as refused:
        load(kind, folder, tmp_path / "home")
    assert not ran.exists()
    said = refused.value.message
    assert str(folder) in said
    assert ("safetensors" if spoil is pickled else "custom code") in said


def test_modules_of_other_packages_are_not_imported(
    models: dict[str, Path], tmp_path: Path, ran: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(models["encoder"], folder)
    (folder / "own.py").write_text(f"import os\nos.mkdir({str(ran)!r})\nclass Own: pass\n")
    for kind in ("own.Own", "this.Zen"):
        modules: list[dict[str, Any]] = json.loads((folder / "modules.json").read_text())
        modules[1]["type"] = kind
        (folder / "modules.json").write_text(json.dumps(modules))
        for loading in (
            lambda: load("encoder", folder, tmp_path / "home"),
            lambda: load_encoder(folder),
        ):
            with pytest.raises(ModelError, match=str(folder)):
                loading()
    assert not ran.exists()


def test_pickled_weights_beside_safe_ones_are_not_read(
    models: dict[str, Path], tmp_path: Path, ran: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(models["encoder"], folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(ran)))
    load("encoder", folder, tmp_path / "home")
    assert not ran.exists()
    assert not list((tmp_path / "home").rglob("*.bin"))
