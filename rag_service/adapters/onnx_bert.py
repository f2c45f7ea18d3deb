"""A fused ONNX export of BERT turned back into a sentence-transformers folder.

Graph optimisers merge the three projections of an attention into one matrix and rename the rest;
the numbers are untouched, so the layers can be had back without loss.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.core.errors import ModelError
from rag_service.core.types import Vectors

Weights = dict[str, npt.NDArray[Any]]

QUERY_PROMPT = "Represent this sentence for searching relevant passages: "
MIN_COSINE = 0.9999


def convert(export: Path, folder: Path) -> None:
    """Write the sentence-transformers model (CLS pooling, normalised) of a fused BGE export.

    Args:
        export: Folder with ``model_optimized.onnx``, ``config.json`` and the tokenizer's files.
        folder: New folder. The weights keep the export's precision.

    Raises:
        ModelError: the graph is not such an export, or the converted model's embeddings differ
            from the export's own (cosine below ``MIN_COSINE``).
    """
    graph = export / "model_optimized.onnx"
    weights = bert_weights(graph)
    _save(weights, export, folder)
    _compare(graph, folder)


def read_graph(graph: Path) -> tuple[Any, dict[str, npt.NDArray[Any]]]:
    """The ONNX model at ``graph``, and its tensors by name. Raises ModelError without onnx."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise ModelError(
            "reading packaged weights needs onnx: install ragloop[embedded]"
        ) from error

    model = onnx.load(str(graph))
    return model, {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def bert_weights(graph: Path) -> Weights:
    """``BertModel`` state dict of the export at ``graph``; the pooler, which it lacks, is zero."""
    model, tensors = read_graph(graph)
    weights = {
        name: t for name, t in tensors.items() if name.startswith(("embeddings.", "encoder."))
    }
    layer = 0
    for node in model.graph.node:
        if node.op_type == "Attention":
            prefix = f"encoder.layer.{layer}.attention.self"
            qkv_weight, qkv_bias = (tensors[name] for name in node.input[1:3])
            names = ("query", "key", "value")
            for name, weight, bias in zip(
                names, np.split(qkv_weight, 3, axis=1), np.split(qkv_bias, 3), strict=True
            ):
                weights[f"{prefix}.{name}.weight"] = weight.T
                weights[f"{prefix}.{name}.bias"] = bias
            layer += 1
        elif node.op_type == "MatMul" and node.input[1] in tensors:
            # /encoder/layer.0/output/dense/MatMul names the layer that the matrix belongs to
            path = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            weights[f"{path}.weight"] = tensors[node.input[1]].T
    if not layer:
        raise ModelError(f"{graph.name} is no fused BERT export: it has no Attention node")
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    dtype = weights["embeddings.word_embeddings.weight"].dtype
    # zeros rather than left out: what is missing is filled with random numbers at loading
    weights["pooler.dense.weight"] = np.zeros((hidden, hidden), dtype)
    weights["pooler.dense.bias"] = np.zeros(hidden, dtype)
    return {name: np.ascontiguousarray(weight) for name, weight in weights.items()}


def _save(weights: Weights, export: Path, folder: Path) -> None:
    from safetensors.numpy import save_file

    config = json.loads((export / "config.json").read_text())
    dtype = weights["embeddings.word_embeddings.weight"].dtype
    config |= {"architectures": ["BertModel"], "torch_dtype": dtype.name}
    documents: dict[str, Any] = {
        "config.json": config,
        "modules.json": [
            {"idx": idx, "name": str(idx), "path": path, "type": f"sentence_transformers.{kind}"}
            for idx, (path, kind) in enumerate(
                (
                    ("", "models.Transformer"),
                    ("1_Pooling", "models.Pooling"),
                    ("2_Normalize", "models.Normalize"),
                )
            )
        ],
        "config_sentence_transformers.json": {
            "prompts": {"query": QUERY_PROMPT, "document": ""},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "sentence_bert_config.json": {
            "max_seq_length": config["max_position_embeddings"],
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": config["hidden_size"],
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": False,
        },
    }
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "2_Normalize").mkdir()
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n")
    for tokenizer_file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(export / tokenizer_file, folder / tokenizer_file)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # the library leaves the file to its owner alone, but a cache may be shared
    (folder / "model.safetensors").chmod(0o644)


def _compare(graph: Path, folder: Path) -> None:
    from rag_service.adapters.sentence_embedder import load_encoder

    theirs = export_embeddings(graph, folder / "tokenizer.json", PROBES)
    ours = load_encoder(folder, device="cpu").encode(
        list(PROBES), prompt="", show_progress_bar=False, normalize_embeddings=True
    )
    cosine = float((theirs * ours).sum(axis=1).min())
    if not cosine >= MIN_COSINE:
        raise ModelError(
            f"the converted weights do not give the export's embeddings: cosine {cosine:.6f}"
        )


def export_embeddings(graph: Path, tokenizer: Path, texts: Sequence[str]) -> Vectors:
    """What the export itself gives: float32 ``(n, dims)``, CLS pooled, L2-normalised."""
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
    rows = []
    for text in texts:
        tokens = encode.encode(text)
        feed = {
            "input_ids": tokens.ids,
            "attention_mask": tokens.attention_mask,
            "token_type_ids": tokens.type_ids,
        }
        (output,) = session.run(None, {k: np.array([v], dtype=np.int64) for k, v in feed.items()})
        rows.append(output[0, 0].astype(np.float32))
    states = np.stack(rows)
    vectors: Vectors = states / np.linalg.norm(states, axis=1, keepdims=True)
    return vectors


PROBES = (
    "Net sales",
    "What was the company's operating income in the last fiscal year?",
    "Operating lease liabilities due within one year were $41 million; the rest falls due by 2031.",
    "The board may, at its discretion, suspend the repurchase of shares at any time. " * 6,
)
