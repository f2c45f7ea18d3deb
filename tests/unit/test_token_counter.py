"""Token counts without a model: summed over words where a tokenizer's rules allow it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from tokenizers.normalizers import Normalizer
from tokenizers.pre_tokenizers import PreTokenizer

from rag_service.adapters import token_counter
from rag_service.adapters.token_counter import TokenCounter

LETTERS = "aAbéE\u0301 \n\t\r\u00a0\u2028\x00\x1c\u200b.,-—’'$%()0123漢字売İßﬁ\ud800😀"
TEXTS = st.one_of(
    st.text(), st.text(st.sampled_from(LETTERS)), st.just("[CLS] a[SEP]\nb"), st.just("")
)
BERT = normalizers.BertNormalizer, pre_tokenizers.BertPreTokenizer


def saved(
    folder: Path,
    normalizer: Normalizer | None,
    splitter: PreTokenizer | None,
    added: Sequence[str] = (),
) -> Path:
    names = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "e", "##a", "##b", "##e", "ab", "1", "##2", ","]
    tokenizer = Tokenizer(WordPiece({name: at for at, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in added])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def asked(folder: Path, texts: Sequence[str]) -> list[int]:
    """Counts by the tokenizer itself, one whole text at a time."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [len(tokenizer.encode(token_counter.printable(text)).ids) for text in texts]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("bert"), BERT[0](), BERT[1]())


@settings(deadline=None, max_examples=300)
@given(texts=st.lists(TEXTS, max_size=5))
def test_counts_are_those_of_whole_texts(bert: Path, texts: list[str]) -> None:
    counter = TokenCounter(bert)
    assert counter(texts) == asked(bert, texts)
    assert counter(texts) == asked(bert, texts)


def test_each_word_is_read_once(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = TokenCounter(bert)
    read: list[str] = []
    count = counter._count

    def noted(texts: Sequence[str]) -> list[int]:
        read.extend(texts)
        return count(texts)

    monkeypatch.setattr(counter, "_count", noted)
    assert counter(["a ab\nb", "ab a", "b"]) == asked(bert, ["a ab\nb", "ab a", "b"])
    assert sorted(filter(None, read)) == ["a", "ab", "b"]


def test_words_are_forgotten_when_there_are_too_many(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_counter, "MAX_WORDS", 4)
    counter = TokenCounter(bert)
    for texts in (["a b", "ab e"], ["aa a,b bb", "a"], ["1 12 a b ab e aa"], ["", "a"]):
        assert counter(texts) == asked(bert, texts)
        assert len(counter._known) <= 8


@pytest.mark.parametrize(
    ("normalizer", "splitter", "added"),
    [
        (None, pre_tokenizers.Metaspace(split=False), ()),
        (normalizers.Replace("a b", "ab"), pre_tokenizers.BertPreTokenizer(), ()),
        (BERT[0](), BERT[1](), ("a b",)),
    ],
    ids=["marks spaces", "joins words", "a token of two words"],
)
def test_rules_that_look_past_a_word_are_given_whole_texts(
    tmp_path: Path,
    normalizer: Normalizer | None,
    splitter: PreTokenizer | None,
    added: Sequence[str],
) -> None:
    folder = saved(tmp_path, normalizer, splitter, added)
    texts = ["a b", "a b a b", "ab", "b a"]
    assert TokenCounter(folder)(texts) == asked(folder, texts)
    apart = [sum(asked(folder, text.split())) - 2 * text.count(" ") for text in texts]
    assert apart != asked(folder, texts), "the case shows nothing"
