"""A transformer's layers on ONNX Runtime, in float32 or with 8-bit weights and activations."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import onnxruntime
import torch

from rag_service.adapters.engine_network import EngineNetwork, TracedNetwork

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_FUSED = {"bert", "distilbert", "roberta", "xlm-roberta", "camembert", "electra"}
"""Kinds of networks whose attention the optimiser knows."""
_FLOAT = 1
"""TensorProto.FLOAT: of what a fused operator gives, which the quantiser cannot infer."""


def convert(model: SentenceTransformer, file: Path, *, eight_bits: bool) -> None:
    """Write the fused graph of ``model`` to ``file``, quantised dynamically with ``eight_bits``."""
    traced = TracedNetwork(model)
    with TemporaryDirectory() as folder, _silent():
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        axes = {name: {0: "texts", 1: "tokens"} for name in (*traced.inputs, "states")}
        with torch.inference_mode():
            torch.onnx.export(
                traced,
                traced.example(),
                str(plain),
                dynamo=False,
                opset_version=17,
                input_names=traced.inputs,
                output_names=["states"],
                dynamic_axes=axes,
            )
        _fuse(plain, fused, traced.network.config)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        if eight_bits:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(
                fused,
                unfinished,
                per_channel=True,
                weight_type=QuantType.QInt8,
                extra_options={"DefaultTensorType": _FLOAT},
            )
        else:
            unfinished.write_bytes(fused.read_bytes())
        unfinished.replace(file)


def _fuse(plain: Path, fused: Path, config: Any) -> None:
    from onnxruntime.transformers.optimizer import optimize_model

    if config.model_type not in _FUSED:
        fused.write_bytes(plain.read_bytes())
        return
    optimised = optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    optimised.save_model_to_file(str(fused))


class OnnxNetwork(EngineNetwork):
    """The graph in ``file``; it computes on as many processors as torch did when it was opened."""

    def __init__(self, model: SentenceTransformer, file: Path) -> None:
        super().__init__(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads that wait by spinning take the processor from everybody else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {i.name: i.type for i in self._session.get_inputs()}

    def states(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        feed = {
            # The optimiser may turn inputs into 32 bits.
            name: (features[name].int() if kind == "tensor(int32)" else features[name]).numpy()
            for name, kind in self._inputs.items()
        }
        (states,) = self._session.run(None, feed)
        return torch.from_numpy(states)


@contextmanager
def _silent() -> Iterator[None]:
    """Without the exporter's and the quantiser's remarks on what they do."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
