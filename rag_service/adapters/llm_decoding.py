"""A causal language model of transformers that answers several requests in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_service.adapters.llm_grammar import Grammar, Grammars
from rag_service.adapters.sentence_embedder import arithmetic
from rag_service.core.errors import GenerationError
from rag_service.core.protocols import Message

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, where its answer goes, and whether it is still wanted."""

    messages: Sequence[Message]
    max_tokens: int
    schema: dict[str, Any] | None
    temperature: float
    seed: int
    deliver: Callable[[str | GenerationError | None], None]
    """Takes each piece, and at the end None or what went wrong."""
    unwanted: Callable[[], bool]


class ChatModel:
    """Weights, tokenizer and chat template from ``folder``, on the GPU where there is one.

    ``precision`` is what ``arithmetic`` takes.

    Raises:
        GenerationError: they cannot be loaded, or are no chat model's.
    """

    def __init__(self, folder: Path, precision: str) -> None:
        import torch
        from safetensors import SafetensorError

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._tokenizer, self._model = _load(folder, self._device, precision)
        except (OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError) as error:
            raise _unloadable(folder, error) from error
        except (AttributeError, SafetensorError) as error:
            raise _unloadable(folder, error) from error
        if not self._tokenizer.chat_template:
            raise GenerationError(
                f"the model in {folder} has no chat template; take one that was trained to follow "
                "instructions, whose name commonly ends in Instruct or Chat"
            )
        config = self._model.config.get_text_config()
        self._context = int(config.max_position_embeddings)
        self._grammars = Grammars(self._tokenizer, int(config.vocab_size))
        self._ends = _ends(self._model, self._tokenizer)

    def begin(self, request: Request) -> Row:
        """The request as a row of a batch. Raises GenerationError if it cannot be one."""
        from jinja2 import TemplateError

        try:
            # Special tokens that a filing prints stay text.
            prompt = self._tokenizer.apply_chat_template(
                list(request.messages),
                add_generation_prompt=True,
                enable_thinking=False,
                sanitize_control_tokens=True,
                return_dict=False,
            )
        except (TemplateError, ValueError) as error:
            raise GenerationError(f"its chat template refuses the messages: {error}") from error
        if len(prompt) + request.max_tokens > self._context:
            raise GenerationError(
                f"a prompt of {len(prompt)} tokens and an answer of {request.max_tokens} are more "
                f"than the model's {self._context}"
            )
        grammar = self._grammars.begin(request.schema) if request.schema is not None else None
        return Row(request, prompt, grammar, self._tokenizer.backend_tokenizer, self._ends)

    def answer(self, rows: Sequence[Row]) -> None:
        """Write all answers to their ends, each piece delivered as soon as it is known.

        Raises:
            GenerationError: the model failed, for all of them.
        """
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        inputs = self._tokenizer.pad(
            {"input_ids": [row.prompt for row in rows]}, padding_side="left", return_tensors="pt"
        ).to(self._device)
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            max_new_tokens=max(row.request.max_tokens for row in rows),
            eos_token_id=sorted(self._ends),
            pad_token_id=self._tokenizer.pad_token_id,
        )
        try:
            with torch.inference_mode():
                self._model.generate(
                    **inputs,
                    generation_config=config,
                    logits_processor=LogitsProcessorList([_Choosing(rows)]),
                    stopping_criteria=StoppingCriteriaList([_Taking(rows)]),
                )
        except torch.OutOfMemoryError as error:
            raise GenerationError(
                f"memory did not suffice for {len(rows)} requests at once: set "
                f"RAGLOOP_LLM_REQUESTS below {len(rows)}"
            ) from error
        except (RuntimeError, ValueError, LookupError) as error:
            raise GenerationError(f"transformers failed: {error}") from error


class Row:
    """One request's place in a batch, and how far its answer has come."""

    def __init__(
        self,
        request: Request,
        prompt: list[int],
        grammar: Grammar | None,
        tokenizer: Any,
        ends: frozenset[int],
    ) -> None:
        from tokenizers.decoders import DecodeStream

        self.request = request
        self.prompt = prompt
        self.done = False
        self._grammar = grammar
        self._tokenizer = tokenizer
        self._ends = ends
        self._text = DecodeStream(skip_special_tokens=True)
        self._written = 0
        self._random: Any = None

    def choose(self, scores: torch.Tensor) -> None:
        """Change ``scores`` ``(width,)`` in place, so that the greatest is the next token's.

        With a temperature, the greatest of scores with Gumbel noise is a draw from their softmax
        (Gumbel 1954); the noise is the row's own, so that its neighbours do not change it.
        """
        import torch

        if self.done:
            return
        if self._grammar is not None:
            allowed = torch.from_numpy(self._grammar.allowed()).to(scores.device)
            scores.masked_fill_(~allowed, float("-inf"))
        if self.request.temperature > 0:
            if self._random is None:
                self._random = torch.Generator(scores.device).manual_seed(self.request.seed)
            noise = torch.empty_like(scores).exponential_(generator=self._random)
            scores.div_(self.request.temperature).sub_(noise.log_())

    def take(self, token: int) -> None:
        """Deliver what ``token`` adds to the answer, and see whether that was its last."""
        if self.done:
            return
        self._written += 1
        if self.request.unwanted():
            self.done = True
            return
        ended = token in self._ends
        if not ended:
            if piece := self._text.step(self._tokenizer, token):
                self.request.deliver(piece)
            if self._grammar is not None:
                self._grammar.take(token)
                ended = self._grammar.complete
        if ended or self._written >= self.request.max_tokens:
            self.done = True
            self.request.deliver(None)

    @contextmanager
    def failing_alone(self) -> Iterator[None]:
        """Ends this row, and not the batch, with a GenerationError of the block."""
        try:
            yield
        except GenerationError as error:
            self.done = True
            self.request.deliver(error)


class _Choosing:
    """What transformers calls before each token, with all rows' scores."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for row, its_scores in zip(self._rows, scores, strict=True):
            with row.failing_alone():
                row.choose(its_scores)
        return scores


class _Taking:
    """What transformers calls after each token; it stops when all rows are done."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        import torch

        for row, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            with row.failing_alone():
                row.take(token)
        return torch.tensor([row.done for row in self._rows], device=input_ids.device)


def _load(folder: Path, device: str, precision: str) -> tuple[Any, Any]:
    """Tokenizer and model, without remote code or pickled weights."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=arithmetic(precision, device),
        attn_implementation="sdpa",
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    model, report = loaded
    # transformers fills what is missing with random numbers and goes on.
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"the weights lack {len(missing)} tensors, {missing[0]} among them")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    ends = model.generation_config.eos_token_id
    # What a model's authors recommend for chatting, such as a temperature, is not asked for here.
    plain = GenerationConfig(eos_token_id=ends)  # type: ignore[no-untyped-call]
    model.generation_config = plain
    return tokenizer, model.to(device).eval()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end an answer; some models have several."""
    ends = model.generation_config.eos_token_id
    named = ends if isinstance(ends, list) else [ends]
    return frozenset(t for t in (*named, tokenizer.eos_token_id) if t is not None)


def _unloadable(folder: Path, error: Exception) -> GenerationError:
    detail = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return GenerationError(f"the model in {folder} cannot be loaded: {detail}")
