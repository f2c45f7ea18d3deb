"""Counting a model's tokens without loading its weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from rag_service.core.errors import ModelError


class TokenCounter:
    """Tokens of texts as the model saved in ``folder`` reads them; may be shared by threads.

    Raises:
        ModelError: the folder holds no tokenizer that can be read.
    """

    def __init__(self, folder: Path) -> None:
        # A tokenizer of its own: the model's is set to cut and pad, and is not for threads.
        self._tokenizer = _load(folder)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, nothing cut off."""
        encodings = self._tokenizer.encode_batch_fast([printable(text) for text in texts])
        return [len(encoding.ids) for encoding in encodings]

    def counts_like(self, other: TokenCounter) -> bool:
        """Whether both give the same counts, however their files are written."""
        return self._tokenizer.to_str() == other._tokenizer.to_str()


def printable(text: str) -> str:
    """``text`` with lone surrogates replaced, which tokenizers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _load(folder: Path) -> Tokenizer:
    paths = sorted(folder.glob("tokenizer.json")) or sorted(folder.glob("*/tokenizer.json"))
    if not paths:
        raise ModelError(f"{folder} has no tokenizer.json")
    try:
        return Tokenizer.from_file(str(paths[0]))
    except Exception as error:
        # The library raises nothing narrower than Exception.
        raise ModelError(f"{paths[0]} cannot be read: {error}") from error
