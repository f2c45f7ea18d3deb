"""Questions from table rows, whose answers are known: levels, changes, shares and ratios."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from random import Random

from finetune.drafts import Draft, spread
from finetune.facts import Fact, table_facts
from finetune.names import possessive, short_period, spoken_company, spoken_period
from finetune.phrases import CHANGE, HINTS, LEVEL, LEVEL_AT, RATIO, SHARE
from finetune.vocabulary import RATIOS, STATEMENT_NAMES, Ratio
from rag_service.core.types import Chunk

Facts = Sequence[Fact]

_OPENERS = {"What", "How", "By", "Did", "For", "As", "In"}
_NUMBERED = re.compile(
    r"^(?:item|note)?\s*\d+[a-z]?(?=[\s.:—–-])[\s.:—–-]*|\s*\(continued\)", re.IGNORECASE
)
_NO_TITLE = re.compile(
    r"table of contents|^index|as follows|following|^\(?(?:\$ |dollars )?in (?:millions|thousands)",
    re.IGNORECASE,
)


def fact_drafts(
    chunks: Sequence[Chunk], *, per_chunk: int, per_statement: int, seed: int
) -> Iterator[Draft]:
    """Levels, changes and shares, spread over documents; at most so many from one chunk.

    A row label that stands for several amounts in one filing and year is asked for with its
    table's title, or not at all.
    """
    random = Random(f"facts {seed}")
    facts = list(table_facts(chunks))
    book = _Book(facts)
    by_document: dict[str, list[Fact]] = defaultdict(list)
    for fact in book.primary():
        by_document[fact.chunk.document].append(fact)
    for ranked in by_document.values():
        ranked.sort(key=lambda fact: -_weight(fact) * random.random())
    taken: Counter[str] = Counter()
    for fact in spread(by_document.values(), random):
        limit = per_statement if fact.statement else per_chunk
        if taken[fact.chunk.chunk_id] >= limit:
            continue
        draft = _one(fact, book, random)
        if draft is not None:
            taken[fact.chunk.chunk_id] += 1
            yield draft


def ratio_drafts(chunks: Sequence[Chunk], *, seed: int) -> Iterator[Draft]:
    """Ratios over lines of the primary statements, spread over documents."""
    random = Random(f"ratios {seed}")
    lines: dict[tuple[str, int], dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in table_facts(chunks):
        recent = fact.year >= fact.chunk.facts.fiscal_year - 1
        if fact.line and fact.line.statement == fact.statement and recent:
            lines[fact.chunk.document, fact.year][fact.line.key].append(fact)
    by_document: dict[str, list[Draft]] = defaultdict(list)
    for (document, _), known in lines.items():
        single = {k: facts for k, facts in known.items() if len({f.amount for f in facts}) == 1}
        for ratio in RATIOS:
            if ratio.top in single and ratio.bottom in single:
                draft = _ratio(ratio, single[ratio.top], single[ratio.bottom], random)
                if draft is not None:
                    by_document[document].append(draft)
    for drafts in by_document.values():
        random.shuffle(drafts)
    yield from spread(by_document.values(), random)


class _Book:
    """All facts by what they are about, so that every chunk that states one is found."""

    def __init__(self, facts: Facts) -> None:
        self._by_key: dict[tuple[str, str, int], list[Fact]] = defaultdict(list)
        self._by_row: dict[tuple[str, int], list[Fact]] = defaultdict(list)
        for fact in facts:
            self._by_key[fact.key].append(fact)
            self._by_row[fact.chunk.chunk_id, fact.row].append(fact)

    def primary(self) -> Iterator[Fact]:
        """Each fact once, where people would look it up: that year's filing, a statement."""
        for facts in self._by_key.values():
            for amount in dict.fromkeys(fact.amount for fact in facts):
                same = [fact for fact in facts if fact.amount == amount]
                yield max(
                    same, key=lambda f: (f.chunk.facts.fiscal_year == f.year, f.statement != "")
                )

    def stating(self, fact: Fact) -> list[str]:
        """Ids of the chunks that state this fact, its own first."""
        same = (f.chunk.chunk_id for f in self._by_key[fact.key] if f.amount == fact.amount)
        return list(dict.fromkeys((fact.chunk.chunk_id, *same)))

    def is_plain(self, fact: Fact) -> bool:
        """Whether company, label and year alone mean this amount: the only one, or the
        statement's."""
        others = [f for f in self._by_key[fact.key] if f.chunk.document == fact.chunk.document]
        if len({f.amount for f in others}) == 1:
            return not fact.generic
        stated = {f.amount for f in others if f.statement and f.line is not None}
        return fact.line is not None and stated == {fact.amount}

    def row(self, fact: Fact) -> list[Fact]:
        return self._by_row[fact.chunk.chunk_id, fact.row]

    def totals(self, fact: Fact) -> list[Fact]:
        """The next row below that is a total, in the same year's column."""
        assert fact.chunk.cells is not None
        for row in range(fact.row + 1, len(fact.chunk.cells.rows)):
            below = [f for f in self._by_row[fact.chunk.chunk_id, row] if f.year == fact.year]
            if below and below[0].label.casefold().startswith("total"):
                return below
        return []


def _weight(fact: Fact) -> float:
    """How likely an analyst is to ask for it, in relative terms."""
    weight = 1.0
    if fact.line is not None:
        weight *= 3.0 if fact.statement else 1.5
    if fact.year == fact.chunk.facts.fiscal_year:
        weight *= 2.0
    return weight


def _one(fact: Fact, book: _Book, random: Random) -> Draft | None:
    plain, title = book.is_plain(fact), _title(fact.chunk)
    told_apart = fact.parent if fact.statement else title
    if not plain and not told_apart:
        return None
    makers: list[Callable[[], Draft | None]] = [lambda: _level(fact, book, plain, random)]
    draw = random.random()
    if draw < 0.2:
        makers.insert(0, lambda: _change(fact, book, plain, random))
    elif draw < 0.35:
        makers.insert(0, lambda: _share(fact, book, plain, random))
    return next((draft for make in makers if (draft := make()) is not None), None)


def _level(fact: Fact, book: _Book, plain: bool, random: Random) -> Draft:
    instant = fact.statement == "balance"
    question = random.choice(LEVEL_AT if instant else LEVEL).format(
        company=spoken_company(fact.chunk, random),
        metric=_metric(fact, plain, random),
        period=spoken_period(fact.year, fact.chunk.facts, random, instant=instant),
        short=short_period(fact.year, random),
    )
    return _draft(question, _amount(fact), fact, book.stating(fact), "level", random)


def _change(fact: Fact, book: _Book, plain: bool, random: Random) -> Draft | None:
    before = next((f for f in book.row(fact) if f.year == fact.year - 1), None)
    if before is None or before.amount == 0 or before.amount == fact.amount:
        return None
    facts = fact.chunk.facts
    question = random.choice(CHANGE).format(
        company=spoken_company(fact.chunk, random),
        metric=_metric(fact, plain, random),
        earlier=spoken_period(before.year, facts, random, instant=False),
        later=spoken_period(fact.year, facts, random, instant=False),
    )
    grown = (fact.amount - before.amount) / abs(before.amount)
    answer = f"{_amount(before)} to {_amount(fact)}: {grown:+.1%}"
    both = [chunk for chunk in book.stating(fact) if chunk in set(book.stating(before))]
    return _draft(question, answer, fact, both, "change", random)


def _share(fact: Fact, book: _Book, plain: bool, random: Random) -> Draft | None:
    total = next(iter(book.totals(fact)), None)
    if total is None or not 0 < fact.amount < total.amount or fact.statement == "cash flow":
        return None
    question = random.choice(SHARE).format(
        company=spoken_company(fact.chunk, random),
        metric=_metric(fact, plain, random),
        total=_lower(total.label),
        period=spoken_period(fact.year, fact.chunk.facts, random, instant=False),
    )
    both = [chunk for chunk in book.stating(fact) if chunk in set(book.stating(total))]
    return _draft(question, f"{fact.amount / total.amount:.1%}", fact, both, "share", random)


def _ratio(ratio: Ratio, tops: Facts, bottoms: Facts, random: Random) -> Draft | None:
    top, bottom = tops[0], bottoms[0]
    divisor = abs(bottom.amount)
    if divisor == 0 or top.amount == 0:
        return None
    earned = top.statement == "income" and ratio.top not in {"cogs", "sga", "research", "tax"}
    signed = top.amount if earned or ratio.top == "operating_cash" else abs(top.amount)
    answer = {
        "percent": f"{signed / divisor:.1%}",
        "multiple": f"{signed / divisor:.2f}",
        "difference": f"{signed - divisor:,.0f}",
        "sum": f"{signed + divisor:,.0f}",
    }[ratio.form]
    question = random.choice(RATIO).format(
        company=spoken_company(top.chunk, random),
        metric=random.choice(ratio.names),
        period=spoken_period(top.year, top.chunk.facts, random, instant=False),
        short=short_period(top.year, random),
    )
    first, second = random.sample((tops, bottoms), 2)
    relevant = dict.fromkeys(f.chunk.chunk_id for f in (*first, *second))
    return _draft(question, answer, first[0], list(relevant), "derived", random)


def _draft(
    question: str, answer: str, fact: Fact, relevant: list[str], kind: str, random: Random
) -> Draft:
    known = STATEMENT_NAMES.get(fact.statement, ())
    if known and kind != "derived" and random.random() < 0.15:
        opened = _lower(question) if question.split()[0] in _OPENERS else question
        question = random.choice(HINTS).format(statement=random.choice(known), question=opened)
    question = possessive(question[0].upper() + question[1:])
    return Draft(question, answer, fact.chunk, tuple(relevant), kind)


def _metric(fact: Fact, plain: bool, random: Random) -> str:
    """What people call the row: an analyst's word, or its label with what tells it apart."""
    if fact.line is not None and plain and random.random() < 0.8:
        return random.choice(fact.line.names)
    metric = _lower(fact.label)
    if fact.parent and fact.line is None and (fact.generic or not plain):
        metric = f"{_lower(fact.parent)} ({metric})"
    title = _title(fact.chunk)
    if title and not fact.statement and (not plain or random.random() < 0.35):
        return f"{metric} ({_lower(title)})"
    return metric


def _title(chunk: Chunk) -> str:
    """The table's title, or the heading above it, where it reads like one."""
    for title in (chunk.cells.title if chunk.cells else "", chunk.heading):
        title = _NUMBERED.sub("", title).strip(" .:—–-")
        letters = sum(c.isalpha() for c in title)
        if (
            1 <= len(title.split()) <= 12
            and letters >= max(4, 0.7 * len(title))
            and not _NO_TITLE.search(title)
        ):
            return title
    return ""


def _amount(fact: Fact) -> str:
    unit = fact.chunk.cells.unit if fact.chunk.cells else ""
    return f"{fact.printed} ({unit.strip(' ()')})" if unit else fact.printed


def _lower(label: str) -> str:
    """A label inside a sentence: names and initials keep their capitals."""
    first = label.split()[0]
    if first.isupper() and len(first) > 1 and not label.isupper():
        return label
    return label.lower() if label.isupper() or label.istitle() else label[0].lower() + label[1:]
