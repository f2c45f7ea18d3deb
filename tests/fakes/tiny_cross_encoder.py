"""A randomly initialised BERT of two narrow layers with one score, as a cross-encoder's folder."""

import re
from collections.abc import Iterable
from pathlib import Path


def tiny_cross_encoder(
    folder: Path,
    texts: Iterable[str],
    *,
    hidden: int = 32,
    tokens: int = 64,
    labels: int = 1,
    seed: int = 0,
) -> Path:
    """Save one whose vocabulary is the words of ``texts`` and whose longest input is ``tokens``."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=tokens,
        initializer_range=0.2,  # else all passages score almost the same
    )
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = BertTokenizer(
        vocab={word: i for i, word in enumerate(vocabulary)}, model_max_length=tokens
    )
    tokenizer.save_pretrained(folder)
    return folder
