"""Counting a model's tokens without loading its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from rag_service.core.errors import ModelError

MAX_WORDS = 100_000
"""Words whose counts are kept: some ten megabytes."""


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
        self._saved = self._tokenizer.to_str()
        self._by_word = _reads_by_word(self._saved)
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, nothing cut off."""
        if not self._by_word:
            return self._count(texts)
        words = [text.replace("\n", " ").split(" ") for text in texts]
        known = self._known
        new = list({word for line in words for word in line if word not in known})
        (special,) = self._count([""])
        if len(known) + len(new) > MAX_WORDS:
            # A new dictionary: another thread may be reading the old one.
            known = self._known = {}
            new = list({word for line in words for word in line})
        known.update(zip(new, (tokens - special for tokens in self._count(new)), strict=True))
        return [sum(map(known.__getitem__, line), special) for line in words]

    def counts_like(self, other: TokenCounter) -> bool:
        """Whether both give the same counts, however their files are written."""
        return self._saved == other._saved

    def _count(self, texts: Sequence[str]) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast([printable(text) for text in texts])
        return [len(encoding.ids) for encoding in encodings]


def printable(text: str) -> str:
    """``text`` with lone surrogates replaced, which tokenizers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _reads_by_word(saved: str) -> bool:
    """Whether a text's tokens are those of its words, whatever stands beside them.

    BERT's rules work on one character at a time and part words at white space, of which
    nothing is left; no token that was added may hold any.
    """
    parts = json.loads(saved)
    normalizer, splitter = parts["normalizer"] or {}, parts["pre_tokenizer"] or {}
    return (
        splitter.get("type") == "BertPreTokenizer"
        and normalizer.get("type") in (None, "BertNormalizer", "Lowercase")
        and not any(set(token["content"]) & set(" \n") for token in parts["added_tokens"])
    )


def _load(folder: Path) -> Tokenizer:
    paths = sorted(folder.glob("tokenizer.json")) or sorted(folder.glob("*/tokenizer.json"))
    if not paths:
        raise ModelError(f"{folder} has no tokenizer.json")
    try:
        return Tokenizer.from_file(str(paths[0]))
    except Exception as error:
        # The library raises nothing narrower than Exception.
        raise ModelError(f"{paths[0]} cannot be read: {error}") from error
