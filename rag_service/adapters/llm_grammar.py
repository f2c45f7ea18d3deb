"""JSON documents that fit a schema, token by token, by llguidance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.core.errors import GenerationError


class Grammars:
    """The grammars of one model's tokens.

    Args:
        tokenizer: A fast tokenizer of transformers.
        width: Scores that the model gives to each next token.

    Raises:
        GenerationError: the tokenizer is of a kind that llguidance does not know.
    """

    def __init__(self, tokenizer: Any, width: int) -> None:
        from llguidance import hf

        try:
            self._tokens = hf.from_tokenizer(tokenizer, n_vocab=width)
        except (ValueError, TypeError, RuntimeError) as error:
            raise GenerationError(
                f"its tokenizer cannot be held to a JSON schema: {error}"
            ) from error
        self._width = width

    def begin(self, schema: dict[str, Any]) -> Grammar:
        """A document from its first token on. Raises GenerationError if the schema is wrong."""
        return Grammar(self._tokens, schema, self._width)


class Grammar:
    """What may come next in one document; without white space, which a weak model never ends."""

    def __init__(self, tokens: Any, schema: dict[str, Any], width: int) -> None:
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps(schema), defaults={"whitespace_flexible": False}
        )
        self._matcher = LLMatcher(tokens, grammar, log_level=0)
        self._width = width
        self._check()

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which tokens may come next, bool ``(width,)``."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        allowed: npt.NDArray[np.bool_] = np.unpackbits(bits, bitorder="little")[: self._width] == 1
        return allowed

    def take(self, token: int) -> None:
        """Go on behind ``token``, which is one of those that are allowed."""
        self._matcher.consume_token(token)
        self._check()

    @property
    def complete(self) -> bool:
        """Whether the document is over."""
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise GenerationError(f"the JSON schema cannot be kept: {self._matcher.get_error()}")
