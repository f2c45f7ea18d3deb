"""A transformer's layers as another engine takes them: tokens in, their last states out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class EngineNetwork(torch.nn.Module):
    """Stands where the transformer of ``model`` stood; subclasses compute."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        transformer: Any = model[0]
        self.config = transformer.model.config

    def states(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        """float32 ``(texts, tokens, width)`` of int64 inputs ``(texts, tokens)``."""
        raise NotImplementedError

    def forward(self, **features: Any) -> dict[str, torch.Tensor]:
        return {"last_hidden_state": self.states(features)}


class TracedNetwork(torch.nn.Module):
    """The layers in a form that tracing follows, with ``inputs`` in the order of their names.

    Evaluated, never trained: an exporter puts a module back into the mode it found it in, and one
    in training mode would drop numbers at random ever after.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        transformer: Any = model[0]
        self.network = transformer.model.float()
        # The fused attention drops the mask where a trace has none to apply.
        self.network.set_attn_implementation("eager")
        given = model.preprocess(["net sales"])
        self.inputs = [name for name in INPUTS if name in given]
        self.eval()

    def forward(self, *tokens: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.network(
            **dict(zip(self.inputs, tokens, strict=True)), return_dict=True
        ).last_hidden_state
        return states

    def example(self) -> tuple[torch.Tensor, ...]:
        """Inputs with texts of several lengths, so that the mask is part of the trace."""
        mask = torch.ones(3, 7, dtype=torch.int64)
        mask[1, 4:] = mask[2, 2:] = 0
        values = {"input_ids": mask.clone(), "attention_mask": mask}
        return tuple(values.get(name, torch.zeros_like(mask)) for name in self.inputs)
