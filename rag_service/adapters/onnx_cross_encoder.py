"""An 8-bit ONNX export of a BERT cross-encoder turned back into a folder of float32 weights.

Quantisers keep each matrix as whole numbers with a scale and a zero point; multiplied out, they are
what the export computes with, and can be trained on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.adapters.onnx_bert import Weights, read_graph
from rag_service.core.errors import ModelError

MOST_APART = 1.0
"""Of logits between -12 and 12: the export rounds activations to 8 bits too, we do not."""

_HEAD = 32
"""Dimensions of an attention head in the MiniLM family, which no tensor's shape tells."""
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def convert(export: Path, folder: Path) -> None:
    """Write the cross-encoder of an export with one label, whose scores are its logits.

    Args:
        export: Folder with ``model.onnx`` and the tokenizer's files.
        folder: New folder.

    Raises:
        ModelError: the graph is not such an export, or the converted model's scores are further
            than ``MOST_APART`` from the export's own.
    """
    graph = export / "model.onnx"
    _save(classifier_weights(graph), export, folder)
    _compare(graph, folder)


def classifier_weights(graph: Path) -> Weights:
    """float32 state dict of ``BertForSequenceClassification`` of the export at ``graph``."""
    model, tensors = read_graph(graph)

    def whole(name: str) -> npt.NDArray[np.float32]:
        zero, scale = tensors[f"{name}_zero_point"], tensors[f"{name}_scale"]
        numbers = tensors[f"{name}_quantized"].astype(np.int32) - zero.astype(np.int32)
        restored: npt.NDArray[np.float32] = numbers.astype(np.float32) * scale
        return restored

    weights = {
        name: t
        for name, t in tensors.items()
        if name.startswith(("bert.", "classifier.")) and name.endswith((".weight", ".bias"))
    }
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            name = node.input[1].removesuffix("_scale")
            weights[name] = whole(name)
        elif node.op_type == "MatMulInteger" and node.input[1] in tensors:
            # /bert/encoder/layer.0/output/dense/MatMul_quant names the matrix's layer
            path = node.name.strip("/").rpartition("/")[0].replace("/", ".")
            weights[f"{path}.weight"] = whole(node.input[1].removesuffix("_quantized")).T
    if "classifier.weight" not in weights:
        raise ModelError(f"{graph.name} is no 8-bit BERT export with a classifier")
    return {name: np.ascontiguousarray(weight) for name, weight in weights.items()}


def _save(weights: Weights, export: Path, folder: Path) -> None:
    from safetensors.numpy import save_file

    words, hidden = weights["bert.embeddings.word_embeddings.weight"].shape
    layers = [name for name in weights if name.endswith(".attention.self.query.weight")]
    config: dict[str, Any] = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": words,
        "hidden_size": hidden,
        "num_hidden_layers": len(layers),
        "num_attention_heads": hidden // _HEAD,
        "intermediate_size": len(weights["bert.encoder.layer.0.intermediate.dense.bias"]),
        "max_position_embeddings": len(weights["bert.embeddings.position_embeddings.weight"]),
        "type_vocab_size": len(weights["bert.embeddings.token_type_embeddings.weight"]),
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in _TOKENIZER:
        shutil.copyfile(export / name, folder / name)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # the library leaves the file to its owner alone, but a cache may be shared
    (folder / "model.safetensors").chmod(0o644)


def _compare(graph: Path, folder: Path) -> None:
    from rag_service.adapters.cross_encoder import load_cross_encoder, logits

    theirs = export_scores(graph, folder / "tokenizer.json", PROBES)
    ours = logits(load_cross_encoder(folder, device="cpu"), PROBES)
    apart = float(np.abs(ours - theirs).max())
    if not apart <= MOST_APART:
        raise ModelError(
            f"the converted weights do not give the export's scores: {apart:.2f} apart"
        )


def export_scores(
    graph: Path, tokenizer: Path, pairs: Sequence[tuple[str, str]]
) -> npt.NDArray[np.float32]:
    """What the export itself gives ``(question, passage)`` pairs: float32 logits ``(n,)``."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "checking packaged weights needs onnxruntime: install ragloop[embedded]"
        ) from error
    from tokenizers import Tokenizer

    encode = Tokenizer.from_file(str(tokenizer))
    encode.no_padding()
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    scores = []
    for question, passage in pairs:
        tokens = encode.encode(question, passage)
        feed = {
            "input_ids": tokens.ids,
            "attention_mask": tokens.attention_mask,
            "token_type_ids": tokens.type_ids,
        }
        (output,) = session.run(None, {k: np.array([v], dtype=np.int64) for k, v in feed.items()})
        scores.append(output[0, 0])
    return np.array(scores, dtype=np.float32)


PROBES = (
    ("What were net sales?", "Net sales were $4,120 million in 2021, against $3,980 million."),
    ("What were net sales?", "The board may suspend the repurchase of shares at any time. " * 4),
    ("When do the operating leases fall due?", "Lease liabilities fall due between 2024 and 2031."),
    ("Who audits the accounts?", "Total current assets | 1,204 | 1,177"),
)
