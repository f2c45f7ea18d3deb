"""What is said before a stop does not depend on how the text comes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rag_service.api.stop_words import StopWords

texts = st.text(alphabet="ab\n", max_size=12)


@given(
    pieces=st.lists(texts, max_size=6),
    words=st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=4),
)
@example(pieces=["ab", "\n"], words=["ab\n", "b"])
def test_the_text_up_to_the_stop_that_is_first_complete(
    pieces: list[str], words: list[str]
) -> None:
    text = "".join(pieces)
    stop = StopWords(words)
    said = "".join(stop.feed(piece) for piece in pieces) + stop.end()
    ends = [end for end in range(len(text) + 1) if text[:end].endswith(tuple(words))]
    expected = text
    if ends:
        longest = max((word for word in words if text[: ends[0]].endswith(word)), key=len)
        expected = text[: ends[0] - len(longest)]
    assert said == expected


def test_only_what_may_begin_a_stop_waits() -> None:
    stop = StopWords(["END"])
    assert [stop.feed(piece) for piece in ("sales E", "at ", "EN", "D more")] == [
        "sales ", "Eat ", "", "",
    ]  # fmt: skip
    assert stop.feed("more") == stop.end() == ""
