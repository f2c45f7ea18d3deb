"""A transformer's layers on OpenVINO, in float32, bfloat16 or with 8-bit weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
import openvino.opset13 as ops
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

from rag_service.adapters.engine_network import INPUTS, EngineNetwork, TracedNetwork

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_GROUP = 64
"""Numbers of an activation that share a scale when they are multiplied in 8 bits.

Each token has scales of its own, so that a vector does not depend on who shares its batch.
"""


def convert(model: SentenceTransformer, file: Path, *, eight_bits: bool) -> None:
    """Write the graph of ``model`` to ``file`` (.xml, with .bin beside it).

    With ``eight_bits`` the layers' matrices are kept as signed bytes with a scale for each output.
    """
    traced = TracedNetwork(model)
    # Not openvino.convert_model, which reports its use to its maker.
    frontend = FrontEndManager().load_by_framework("pytorch")
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(traced, example_input=traced.example())
        graph = frontend.convert(frontend.load(decoder))
    for name, parameter in zip(traced.inputs, graph.get_parameters(), strict=True):
        parameter.output(0).get_tensor().set_names({name})
    if eight_bits:
        _compress(graph)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"unfinished-{file.name}")
    openvino.save_model(graph, unfinished, compress_to_fp16=False)
    # The description last: it is what tells that a model is there.
    unfinished.with_suffix(".bin").replace(file.with_suffix(".bin"))
    unfinished.replace(file)


def _compress(graph: Any) -> None:
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        source = node.input_value(1).get_node()
        if source.get_type_name() != "Constant":
            continue
        weights = source.data.astype(np.float32)
        if weights.ndim != 2:
            continue
        inner = 1 if node.get_attributes()["transpose_b"] else 0
        scales = np.maximum(np.abs(weights).max(axis=inner, keepdims=True) / 127, 1e-12)
        small = ops.constant(np.rint(weights / scales).astype(np.int8))
        restored = ops.multiply(ops.convert(small, "f32"), ops.constant(scales))
        node.input(1).replace_source_output(restored.output(0))


_FEW = 512
"""Tokens of a batch that one processor computes: a second one waits more than it helps."""


class OpenVinoNetwork(EngineNetwork):
    """The graph in ``file``, on as many processors as torch computes on at the time.

    Questions are computed on one: with MiniLM and two processors those took twice the processor
    time, and a question as long.
    """

    def __init__(self, model: SentenceTransformer, file: Path, *, bfloat16: bool) -> None:
        super().__init__(model)
        core = openvino.Core()
        self._graph = core.read_model(file)
        self._core = core
        self._precision = "bf16" if bfloat16 else "f32"
        self._requests: dict[int, Any] = {}
        self._inputs = [self._name(p) for p in self._graph.get_parameters()]
        self._request(1)

    @staticmethod
    def _name(parameter: Any) -> str:
        (name,) = parameter.output(0).get_names() & set(INPUTS)
        return str(name)

    def _request(self, threads: int) -> Any:
        if threads not in self._requests:
            compiled = self._core.compile_model(
                self._graph,
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",
                    "INFERENCE_PRECISION_HINT": self._precision,
                    "INFERENCE_NUM_THREADS": threads,
                    "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(_GROUP),
                    # Two processes would be pinned to the same processors.
                    "ENABLE_CPU_PINNING": False,
                },
            )
            self._requests[threads] = compiled.create_infer_request()
        return self._requests[threads]

    def states(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        threads = 1 if features["input_ids"].numel() <= _FEW else torch.get_num_threads()
        found = self._request(threads).infer([features[name].numpy() for name in self._inputs])
        # A copy: the request writes its next output to the same place.
        return torch.from_numpy(found[0].copy())
