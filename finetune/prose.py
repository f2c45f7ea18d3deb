"""Questions that ask for a passage by the topic of its heading."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from finetune.drafts import Draft, spread
from finetune.names import possessive, short_period, spoken_company, spoken_period
from rag_service.core.types import Chunk

_LONGEST = 4
"""A heading over more passages than this is too wide to be one answer."""

_SMALL = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
"""Words that titles leave in lower case."""

_ANY = (
    "What does {company} disclose about {topic} in its {short} annual report?",
    "What does the {short} 10-K of {company} say on {topic}?",
    "Where does {company} describe {topic} for {period}, and what does it say?",
    "How does {company} account for or explain {topic} in {period}?",
)
_BY_ITEM = {
    "Item 1": (
        "In describing its business for {period}, what does {company} say about {topic}?",
        "How does {company} present {topic} as part of its business in {period}?",
    ),
    "Item 1A": (
        "What risk does {company} see in {topic} in {period}?",
        "Why could {topic} hurt {company}, going by its {short} risk factors?",
    ),
    "Item 3": ("What legal proceedings does {company} report on {topic} for {period}?",),
    "Item 7": (
        "How does the management of {company} explain {topic} in {period}?",
        "What drove {topic} at {company} in {period}?",
        "What is management's view of {topic} for {company} in {period}?",
    ),
    "Item 7A": ("How exposed is {company} to {topic} in {period}?",),
}


def section_drafts(chunks: Sequence[Chunk], *, seed: int) -> Iterator[Draft]:
    """One question a heading, spread over documents; all passages under it answer."""
    random = Random(f"sections {seed}")
    under: dict[tuple[str, str], list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.kind == "prose" and chunk.heading and chunk.facts.fiscal_year:
            under[chunk.document, chunk.heading].append(chunk)
    by_document: dict[str, list[Draft]] = defaultdict(list)
    for (document, heading), passages in under.items():
        topic = _topic(heading)
        if topic and len(passages) <= _LONGEST:
            by_document[document].append(_draft(topic, passages, random))
    for drafts in by_document.values():
        random.shuffle(drafts)
    yield from spread(by_document.values(), random)


def _draft(topic: str, passages: list[Chunk], random: Random) -> Draft:
    chunk = max(passages, key=lambda passage: len(passage.text))
    ways = _ANY + _BY_ITEM.get(chunk.section, ())
    facts = chunk.facts
    question = random.choice(ways).format(
        company=spoken_company(chunk, random),
        topic=topic,
        period=spoken_period(facts.fiscal_year, facts, random, instant=False),
        short=short_period(facts.fiscal_year, random),
    )
    answer = " ".join(chunk.text.split())[:200]
    return Draft(
        possessive(question), answer, chunk, tuple(p.chunk_id for p in passages), "section"
    )


def _topic(heading: str) -> str:
    """The last heading of the path as a topic in a sentence, or ``""`` if it reads like none."""
    heading = heading.rpartition(" > ")[2].strip()
    heading = re.sub(r"^(?:item|note)\s+\d+\w?[.:—–-]*\s*", "", heading, flags=re.IGNORECASE)
    heading = re.sub(r"^[\d.]+\s+|^\(?[a-z]\)\s+|[.:]$", "", heading, flags=re.IGNORECASE).strip()
    letters = sum(c.isalpha() or c.isspace() for c in heading)
    if not 2 <= len(heading.split()) <= 14 or letters < 0.85 * len(heading):
        return ""
    if re.search(r"continued|table of contents|overview$|\d{4}", heading, re.IGNORECASE):
        return ""
    words = [word for word in heading.split() if word.lower() not in _SMALL]
    if all(word[0].isupper() for word in words):
        return heading.lower()
    return heading[0].lower() + heading[1:]
