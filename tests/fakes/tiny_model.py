"""A randomly initialised BERT of two narrow layers, as a sentence-transformers folder."""

import re
from collections.abc import Iterable
from pathlib import Path

from rag_service.core.types import ModelCard


def tiny_model(
    folder: Path, texts: Iterable[str], *, dims: int = 32, seed: int = 0, dropout: float = 0.1
) -> ModelCard:
    """Save a model whose vocabulary is the words of ``texts``; its card has prompts."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    inner = folder / "bert"
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dims,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * dims,
        max_position_embeddings=256,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    BertModel(config).save_pretrained(inner)
    tokenizer = BertTokenizer(
        vocab={word: i for i, word in enumerate(vocabulary)}, model_max_length=256
    )
    tokenizer.save_pretrained(inner)
    transformer = Transformer(str(inner))
    model = SentenceTransformer(
        modules=[transformer, Pooling(dims, pooling_mode="mean")], device="cpu"
    )
    target = folder / "tiny"
    model.save_pretrained(str(target), create_model_card=False)
    return ModelCard(
        fingerprint=f"tiny-{seed}",
        name="tests/tiny",
        path=str(target),
        dims=dims,
        max_tokens=256,
        query_prompt="query: ",
        document_prompt="",
        created="2024-01-01T00:00:00Z",
    )
