"""Undoing the fusion of an ONNX export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.onnx_bert import bert_weights
from rag_service.core.errors import ModelError

onnx = pytest.importorskip("onnx")

HIDDEN = 4
GENERATOR = np.random.default_rng(0)
QKV = GENERATOR.normal(size=(HIDDEN, 3 * HIDDEN)).astype(np.float16)
QKV_BIAS = GENERATOR.normal(size=3 * HIDDEN).astype(np.float16)
DENSE = GENERATOR.normal(size=(HIDDEN, 2 * HIDDEN)).astype(np.float16)
WORDS = GENERATOR.normal(size=(9, HIDDEN)).astype(np.float16)
STATES = GENERATOR.normal(size=(3, HIDDEN)).astype(np.float16)


def export(path: Path, *, attention: bool = True) -> Path:
    tensors = {
        "embeddings.word_embeddings.weight": WORDS,
        "qkv": QKV,
        "qkv_bias": QKV_BIAS,
        "renamed_17": DENSE,
    }
    node = onnx.helper.make_node
    nodes = [
        node("MatMul", ["a", "renamed_17"], ["b"], name="/encoder/layer.0/output/dense/MatMul")
    ]
    if attention:
        nodes.insert(0, node("Attention", ["x", "qkv", "qkv_bias", "mask"], ["a"], num_heads=2))
    initializers = [onnx.numpy_helper.from_array(t, name) for name, t in tensors.items()]
    graph = onnx.helper.make_graph(nodes, "bert", [], [], initializers)
    onnx.save(onnx.helper.make_model(graph), str(path))
    return path


def test_projections_are_split_and_every_matrix_transposed(tmp_path: Path) -> None:
    weights = bert_weights(export(tmp_path / "g.onnx"))
    prefix = "encoder.layer.0.attention.self"
    for place, name in enumerate(("query", "key", "value")):
        theirs = STATES @ QKV + QKV_BIAS
        ours = STATES @ weights[f"{prefix}.{name}.weight"].T + weights[f"{prefix}.{name}.bias"]
        np.testing.assert_allclose(
            ours, theirs[:, place * HIDDEN : (place + 1) * HIDDEN], atol=5e-3
        )
    np.testing.assert_array_equal(weights["encoder.layer.0.output.dense.weight"], DENSE.T)
    np.testing.assert_array_equal(weights["embeddings.word_embeddings.weight"], WORDS)


def test_the_pooler_that_the_export_lacks_is_zero(tmp_path: Path) -> None:
    weights = bert_weights(export(tmp_path / "g.onnx"))
    assert weights["pooler.dense.weight"].shape == (HIDDEN, HIDDEN)
    assert not weights["pooler.dense.weight"].any()


def test_another_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no fused BERT export"):
        bert_weights(export(tmp_path / "g.onnx", attention=False))
