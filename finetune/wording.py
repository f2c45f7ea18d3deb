"""Texts as runs of words, so that one is found in another whatever its case, marks and breaks."""

import re


def wording(text: str) -> str:
    """The words in lower case between single blanks, with one at each end.

    ``wording(a) in wording(b)`` holds if the words of ``a`` stand in ``b`` in one run.
    """
    words = re.findall(r"[^\W_]+", text.casefold())
    return f" {' '.join(words)} "


def word_count(words: str) -> int:
    """Words of a ``wording``."""
    return max(0, words.count(" ") - 1)
