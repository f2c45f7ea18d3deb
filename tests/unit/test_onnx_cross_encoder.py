"""Undoing the 8-bit rounding of an ONNX export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.cross_encoder import load_cross_encoder, logits
from rag_service.adapters.onnx_cross_encoder import classifier_weights
from rag_service.adapters.package_weights import cached
from rag_service.core.errors import ModelError
from rag_service.core.settings import load_settings

onnx = pytest.importorskip("onnx")

WORDS = np.array([[0, 86, 255], [90, 80, 86]], np.uint8)
DENSE = np.array([[-127, 3], [0, 127], [50, -1]], np.int8)
SCORE = np.array([[100], [-100]], np.int8)
BIAS = np.array([0.5, -0.5], np.float32)


def export(path: Path, *, scored: bool = True) -> Path:
    def quantised(name: str, values: object, scale: float, zero: object) -> dict[str, object]:
        return {
            f"{name}_quantized": values,
            f"{name}_scale": np.float32(scale),
            f"{name}_zero_point": zero,
        }

    tensors = {
        **quantised("bert.embeddings.word_embeddings.weight", WORDS, 0.5, np.uint8(86)),
        **quantised("renamed_17", DENSE, 0.25, np.int8(0)),
        **quantised("classifier.weight", SCORE, 0.01, np.int8(0)),
        "bert.encoder.layer.0.output.dense.bias": BIAS,
        "bert.encoder.constant": BIAS,
    }
    node = onnx.helper.make_node
    words = "bert.embeddings.word_embeddings.weight"
    nodes = [
        node("DequantizeLinear", ["g", f"{words}_scale", f"{words}_zero_point"], ["h"]),
        node(
            "MatMulInteger",
            ["a", "renamed_17_quantized", "b", "renamed_17_zero_point"],
            ["c"],
            name="/bert/encoder/layer.0/output/dense/MatMul_quant",
        ),
    ]
    if scored:
        nodes.append(
            node(
                "MatMulInteger",
                ["d", "classifier.weight_quantized", "e", "classifier.weight_zero_point"],
                ["f"],
                name="/classifier/Gemm_MatMul_quant",
            )
        )
    initializers = [onnx.numpy_helper.from_array(np.asarray(t), n) for n, t in tensors.items()]
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph(nodes, "bert", [], [], initializers)),
        str(path),
    )
    return path


def test_matrices_are_multiplied_out_and_transposed(tmp_path: Path) -> None:
    weights = classifier_weights(export(tmp_path / "g.onnx"))
    assert set(weights) == {
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.weight",
        "bert.encoder.layer.0.output.dense.bias",
        "classifier.weight",
    }
    np.testing.assert_array_equal(
        weights["bert.embeddings.word_embeddings.weight"],
        np.array([[-43, 0, 84.5], [2, -3, 0]], np.float32),
    )
    np.testing.assert_array_equal(
        weights["bert.encoder.layer.0.output.dense.weight"],
        np.array([[-31.75, 0, 12.5], [0.75, 31.75, -0.25]], np.float32),
    )
    np.testing.assert_allclose(weights["classifier.weight"], [[1, -1]])
    np.testing.assert_array_equal(weights["bert.encoder.layer.0.output.dense.bias"], BIAS)
    assert all(weight.dtype == np.float32 for weight in weights.values())


def test_another_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no 8-bit BERT export"):
        classifier_weights(export(tmp_path / "g.onnx", scored=False))


def test_the_real_one_scores_as_published() -> None:
    """The model card's example, within what 8-bit rounding of the weights changes."""
    folder = cached("ms-marco-minilm", load_settings().cache)
    if folder is None:
        pytest.skip("not pulled: ragloop models pull ms-marco-minilm")
    question = "How many people live in Berlin?"
    passages = (
        "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square "
        "kilometers.",
        "Berlin is well known for its museums.",
    )
    scores = logits(load_cross_encoder(folder, device="cpu"), [(question, p) for p in passages])
    assert scores == pytest.approx([9.218911, -4.0780287], abs=0.3)
