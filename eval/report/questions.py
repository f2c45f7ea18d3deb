"""The report's questions that won and lost most, with their passages side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from eval.compare import HEADLINE
from eval.judgments import page_of
from eval.report.facts import Change, Found, MovedQuestion, Report, SetFacts
from eval.report.markup import count, set_name
from rag_service.core.types import Chunk, TableCells

MOST_CHARS = 900
"""Of a passage: sixty questions with three passages each stay far below a megabyte."""
MOST_ROWS, MOST_COLUMNS = 14, 6
"""Of a table."""
MOST_OF_ANSWER = 90
"""Characters; longer ones are passages of their own."""
UNFOLDED = 3
"""Questions of each side whose passages are seen without a click."""
_NOTHING: Mapping[str, Found] = {}


def questions_of(shown: Sequence[SetFacts], report: Report) -> str:
    """Of each question set: the questions that won most, then those that lost most."""
    return "".join(_of_set(found.change, report) for found in shown if found.change)


def _of_set(change: Change, report: Report) -> str:
    before, after = change.before, change.after
    parts = [
        f"<h3>{set_name(after)}: {escape(before.release)} → {escape(after.release)}</h3>\n"
        f'<p class="quiet">{_balance(change)}</p>\n'
    ]
    if not any(one.question.text for one in (*change.won, *change.lost)):
        parts.append(
            '<p class="note">What these runs asked was not kept with them; '
            "<code>ragloop evaluate</code> keeps it.</p>\n"
        )
        return "".join(parts)
    for name, moved in (("Won most", change.won), ("Lost most", change.lost)):
        if not moved:
            parts.append(f'<p class="note">{name}: no question.</p>\n')
            continue
        parts.append(f'<h4 class="side">{name}</h4>\n')
        parts += [
            _question(one, change, report, unfolded=place < UNFOLDED)
            for place, one in enumerate(moved)
        ]
    return "".join(parts)


def _balance(change: Change) -> str:
    moves = [
        change.after.per_question[key][HEADLINE] - scores[HEADLINE]
        for key, scores in change.before.per_question.items()
    ]
    won, lost = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    return (
        f"NDCG@10 rose for {won:,} of {count(len(moves), 'question')}, fell for {lost:,} and is "
        f"the same for {len(moves) - won - lost:,}; seed {change.comparison.seed}"
    )


def _question(moved: MovedQuestion, change: Change, report: Report, *, unfolded: bool) -> str:
    question, move = moved.question, moved.move
    found = report.found.get((change.after.run_id, question.question_id), _NOTHING)
    text = escape(question.text) if question.text else "(its text was not kept)"
    answer = str(question.metadata.get("answer") or "")
    ranks = f"<b>{_rank(moved.rank_before)} → {_rank(moved.rank_after)}</b>"
    told = [
        ranks if question.relevant else "",
        f"<span>NDCG@10 {move.a:.3f} → {move.b:.3f}</span>",
        f"<span>answer: {escape(answer)}</span>" if 0 < len(answer) <= MOST_OF_ANSWER else "",
        f"<code>{escape(question.question_id)}</code>",
    ]
    places = "".join(
        _place(", ".join(titles), corpus_id, moved, found.get(corpus_id))
        for corpus_id, titles in _places(moved, change).items()
    )
    return (
        f'<details class="moved {"won" if move.b > move.a else "lost"}"'
        f"{' open' if unfolded else ''}>\n"
        f'<summary><h5>{text}</h5><span class="ranks">{"".join(told)}</span></summary>\n'
        f'<div class="passages">{places}</div></details>\n'
    )


def _places(moved: MovedQuestion, change: Change) -> dict[str, list[str]]:
    """The passages to show with what each of them is: one may be several things."""
    places: dict[str, list[str]] = {}
    for title, corpus_id in (
        (f"First in {change.before.release}", moved.first_before),
        (f"First in {change.after.release}", moved.first_after),
        ("Expected", moved.expected),
    ):
        if corpus_id:
            places.setdefault(corpus_id, []).append(title)
    return places


def _rank(rank: int) -> str:
    return f"rank {rank}" if rank else "not found"


def _place(title: str, corpus_id: str, moved: MovedQuestion, found: Found | None) -> str:
    mark = ""
    if moved.question.relevant:
        right = corpus_id in moved.question.relevant
        kind, told = ("right", "relevant") if right else ("wrong", "not relevant")
        mark = f'<span class="mark {kind}">{told}</span>'
    body = _passage(corpus_id, found, moved.question.text)
    return f'<div class="passage"><h6>{escape(title)} {mark}</h6>{body}</div>'


def _passage(corpus_id: str, found: Found | None, asked: str) -> str:
    page = page_of(corpus_id)
    if found is None or found.chunk is None:
        told = f"{page[0]}, p. {page[1]}" if page else corpus_id
        return f'<p class="source">{escape(told)}</p><p class="note">no longer stored</p>'
    chunk = found.chunk
    if page:
        span = f"p. {page[1]}"
    elif chunk.page_start == chunk.page_end:
        span = f"p. {chunk.page_start}"
    else:
        span = f"pp. {chunk.page_start}–{chunk.page_end}"
    others = ""
    if page and found.others:
        others = (
            f'<p class="note">of the page’s {found.others + 1} passages the one nearest to the '
            "question’s words</p>"
        )
    place = ", ".join(filter(None, (chunk.document, span, chunk.section)))
    heading = f'<p class="heading">{escape(chunk.heading)}</p>' if chunk.heading else ""
    return f'<p class="source">{escape(place)}</p>{heading}{_content(chunk, asked)}{others}'


def _content(chunk: Chunk, asked: str) -> str:
    if chunk.cells is not None:
        return _table(chunk.cells, asked)
    text = _cut(chunk.text, MOST_CHARS)
    lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    return f'<div class="text">{lines}</div>'


def _table(cells: TableCells, asked: str) -> str:
    names = "".join(f'<th scope="col">{escape(c)}</th>' for c in cells.columns[:MOST_COLUMNS])
    head = f"<thead><tr><td></td>{names}</tr></thead>" if any(cells.columns) else ""
    first = _first_row(cells, asked)
    rows = "".join(
        f'<tr><th scope="row">{escape(_cut(row[0], 90))}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in row[1 : MOST_COLUMNS + 1])
        + "</tr>"
        for row in cells.rows[first : first + MOST_ROWS]
    )
    left = ""
    if len(cells.rows) > MOST_ROWS:
        last = min(first + MOST_ROWS, len(cells.rows))
        left = f'<p class="note">rows {first + 1} to {last} of {len(cells.rows)}</p>'
    about = _cut(", ".join(filter(None, (cells.title, cells.unit))), 160)
    caption = f"<caption>{escape(about)}</caption>" if about else ""
    return (
        f'<div class="scroll"><table class="cells">{caption}{head}<tbody>{rows}</tbody></table>'
        f"</div>{left}"
    )


def _first_row(cells: TableCells, asked: str) -> int:
    """Where the rows that are shown begin, so that the one nearest to the question is shown."""
    if len(cells.rows) <= MOST_ROWS:
        return 0
    words = _words(asked)
    nearest = max(
        range(len(cells.rows)), key=lambda place: len(words & _words(cells.rows[place][0]))
    )
    return 0 if nearest < MOST_ROWS else min(nearest - MOST_ROWS // 2, len(cells.rows) - MOST_ROWS)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.casefold()))


def _cut(text: str, most: int) -> str:
    """The text's beginning, cut between words."""
    if len(text) <= most:
        return text
    return f"{text[:most].rsplit(maxsplit=1)[0]} …"
