"""The cell among the hits' tables that states a line in a fiscal year, or why none surely does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag_service.answering.numeric.asking import NOISE
from rag_service.answering.numeric.calculate import Amount, same
from rag_service.answering.numeric.items import LIGHT, Statement, Wanted, vocabulary
from rag_service.answering.numeric.table_values import (
    SPLIT_EARNINGS,
    Column,
    Row,
    Table,
    Value,
    value_of,
)
from rag_service.answering.terms import stems

SURE = 0.75
"""A candidate with less is no answer."""
MARGIN = 0.12
"""Another amount whose score is nearer than this makes the answer ambiguous."""
_EXTRA, _LOST, _FAR, _NEAR = 0.3, 0.4, 0.1, 0.05
"""A word of the label that is not asked for; a word asked for that stands nowhere, in the title
or the column alone, in the group of rows alone."""
_SYNONYM = 0.15
_LIGHT_LACKING, _LIGHT_EXTRA, _NET = 0.16, 0.02, 0.14
_OTHER_STATEMENT, _NO_STATEMENT, _OTHER_GROUP, _NARROW = 0.5, 0.1, 0.3, 0.3
_PLAIN_TITLE = frozenset(
    stems(
        "financial statements data selected summary results operations overview highlights "
        "consolidated condensed note notes information supplemental supplementary following "
        "management discussion analysis condition liquidity capital resources sources uses "
        "review performance measures comparison expense income cash flow balance sheet table "
        "components consisted consist details and earnings share schedule item five-year "
        "selling general administrative cost revenue gross profit margin debt tax taxes non-gaap "
        "reconciliation free position working other ended market common registrant stockholder "
        "matter issuer equity securities key metrics business follow follows presented include "
        "includes included including set forth sets except percentage percent respectively "
        "significant major provide provided contain relate related million tabular"
    )
)
"""Words of titles that do not narrow what the rows below are of."""
_NARROWING = frozenset(
    stems("acquisition acquired acquire purchase price allocation discontinued held parent pro "
          "forma quarterly deferred pension plan benefit segment unaudited guarantor lessor")
)  # fmt: skip
_DEFERRED = frozenset(stems("deferred pro forma pension plan parent"))
_RATES = frozenset(stems("rate margin percent percentage yield ratio share growth"))
_NET_WORD = frozenset({"net"})
_SEGMENT = frozenset(stems("segment"))
_CHANGES = frozenset(stems("change changes increase decrease"))
_FLOW = frozenset(
    stems(
        "purchases proceeds payments repayments repayment borrowings dividends repurchases "
        "issuance issued cash depreciation amortization compensation effect acquisitions paid "
        "additions impairment capital expenditures stock investments sale sales net change loss "
        "gain provision income"
    )
)
"""Words of the lines of a cash flow statement that are no changes of balances."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cell that may be meant. ``against`` says what lowers its score, 1 being certain."""

    value: Value
    score: float
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found for a line in a year: a value only if one is sure and unrivalled."""

    value: Value | None
    candidates: tuple[Candidate, ...]
    """The best of each different amount, best first."""
    reason: str = ""


def find(
    wanted: Wanted,
    year: int,
    tables: Sequence[Table],
    *,
    anchor: int = 0,
    hint: Statement = "",
    percent: bool = False,
) -> Lookup:
    """The amount of ``wanted`` in fiscal ``year``.

    The filing of fiscal year ``anchor`` (else of ``year``) comes first: later ones may restate.
    ``hint`` is the statement to read it from; ``percent`` says that a percentage is asked for.
    """
    search = _Search(wanted, anchor or year, hint, percent)
    found = [
        candidate
        for table in tables
        for column in table.columns
        if column.year == year
        for row in table.rows
        if (candidate := search.judge(table, row, column)) is not None
    ]
    # Python's sort is stable: of equals, the table of the better hit.
    found.sort(key=lambda c: (-round(c.score, 6), search.distance(c.value)))
    ranked = _by_amount(found, wanted.spent)
    name = f"{wanted.name}, FY{year}"
    if not ranked or ranked[0].score < SURE:
        return Lookup(None, ranked, f"no table found states {name}")
    best = ranked[0]
    rivals = [
        other
        for other in ranked[1:]
        if other.score > best.score - MARGIN
        and search.distance(other.value) <= search.distance(best.value)
    ]
    if rivals:
        printed = " or ".join(c.value.printed for c in (best, *rivals))
        return Lookup(None, ranked, f"the tables found give more than one {name}: {printed}")
    return Lookup(_in_size(best.value) if wanted.spent else best.value, ranked)


@dataclass(frozen=True, slots=True)
class _Search:
    wanted: Wanted
    anchor: int
    hint: Statement
    percent: bool

    def distance(self, value: Value) -> int:
        """How far the filing is from the one to read; an older one cannot restate."""
        return abs(value.chunk.facts.fiscal_year - self.anchor)

    def judge(self, table: Table, row: Row, column: Column) -> Candidate | None:
        """The cell with its score, or None if it has nothing to do with what is wanted."""
        best: tuple[float, list[str]] | None = None
        for place, reading in enumerate(self.wanted.readings):
            judged = self._best_label(reading, table, row, column)
            if judged is None:
                continue
            score, against = judged
            if place > 0 and reading - LIGHT != self.wanted.readings[0] - LIGHT:
                score, against = score - _SYNONYM, [*against, "another name for it"]
            if best is None or score > best[0]:
                best = score, against
        if best is None or best[0] <= 0:
            return None
        value = value_of(table, row, column)
        if value is None:
            return None
        score, against = best
        for lowered, why in self._place(table, row, value):
            score, against = score - lowered, [*against, why]
        return Candidate(value, round(score, 6), tuple(against))

    def _best_label(
        self, asked: frozenset[str], table: Table, row: Row, column: Column
    ) -> tuple[float, list[str]] | None:
        """How well a row's label says what is asked, in the nearest of its readings."""
        judged = [self._label(asked, words, table, row, column) for words in (row.words, *row.also)]
        return max(filter(None, judged), key=lambda found: found[0], default=None)

    def _label(
        self, asked: frozenset[str], label: frozenset[str], table: Table, row: Row, column: Column
    ) -> tuple[float, list[str]] | None:
        """How well ``label``, and what stands over the row, say what is asked."""
        group = row.group_words
        own = label or group
        if not own & asked:
            return None
        known = self.wanted.known
        light = LIGHT if known else LIGHT | _SEGMENT
        # What stands under a head is of it, but not the total of another line.
        lent = frozenset[str]() if row.is_total and label else group
        title = frozenset[str]() if table.statement or known else table.around
        around = lent | title | column.words
        lacking = asked - own
        extra = (own | column.words) - asked - light - NOISE
        lost = lacking - around - light
        near = lacking & lent
        far = (lacking & around) - lent - light
        score = 1.0 - _EXTRA * len(extra) - _LOST * len(lost)
        if near or not label:
            # Under a head that says it all, a line with a name of its own is a part of it.
            named = asked <= lent or label - light <= lent or known
            part = bool(label) and named and not label <= SPLIT_EARNINGS
            score -= _OTHER_GROUP if part else _NEAR
        if far and not table.around - _PLAIN_TITLE <= asked:
            score -= _FAR
        score -= _LIGHT_LACKING * bool((lacking & light) - around)
        score -= _LIGHT_EXTRA * bool((own & light) - asked)
        score -= _NET * bool((own & _NET_WORD) - asked and not known)
        against = [f"says more: {_listed(extra)}"] if extra else []
        if lost:
            against.append(f"does not say {_listed(lost)}")
        return score, against

    def _place(self, table: Table, row: Row, value: Value) -> list[tuple[float, str]]:
        """What the statement, the title and the group of rows say against a cell."""
        wanted, statement = self.wanted, table.statement
        asked = frozenset[str]().union(*wanted.readings)
        found: list[tuple[float, str]] = []
        if self.hint and statement and statement != self.hint and not wanted.known:
            found.append((_OTHER_STATEMENT, "not the statement asked for"))
        if wanted.statements and statement and statement not in wanted.statements:
            found.append((_OTHER_STATEMENT, f"from the {statement} statement"))
        elif statement and wanted.statements and statement != wanted.statements[0]:
            found.append((_SYNONYM, f"from the {statement} statement"))
        elif not statement and wanted.statements:
            found.append((_NO_STATEMENT, "not from a consolidated statement"))
        if not statement:
            narrow = table.around - asked - row.words
            strange = narrow & (_NARROWING if wanted.known else _NARROWING - _SEGMENT)
            if wanted.known:
                strange |= narrow - vocabulary() - _PLAIN_TITLE
            # A label of its own, word for word, is seldom repeated in another sense.
            exact = not wanted.known and len(row.words) > 1 and row.words == wanted.readings[0]
            if exact:
                strange &= _DEFERRED
            if strange:
                found.append((_NARROW, f"a table of {_listed(strange)}"))
            group = row.group_words - asked - LIGHT
            if group and row.words:
                found.append((_FAR if exact else _OTHER_GROUP, f"under {row.group}"))
        elif statement == "cash flow" and not wanted.statements:
            found += self._change(row, asked)
        if wanted.kind is not None and value.amount.kind != wanted.kind:
            found.append((1.0, f"not in {wanted.kind}"))
        elif wanted.kind is None and value.amount.kind == "percent" and not asked & _RATES:
            found.append((0.0 if self.percent else _NARROW, "in percent"))
        elif wanted.kind is None and value.amount.kind != "percent" and self.percent:
            found.append((_NARROW, "not in percent"))
        return found

    def _change(self, row: Row, asked: frozenset[str]) -> list[tuple[float, str]]:
        """A cash flow statement lists changes of balances under the names of the balances."""
        flows = bool(row.words & _FLOW)
        if asked & _CHANGES or self.hint == "cash flow":
            return []
        if row.group_words & _CHANGES and not {"cash"} <= row.words:
            return [(_OTHER_STATEMENT, "a change of the balance")]
        return [] if flows or row.group else [(_NARROW, "perhaps a change of the balance")]


def _by_amount(found: Sequence[Candidate], spent: bool) -> tuple[Candidate, ...]:
    """The first candidate of each different amount."""
    ranked: list[Candidate] = []
    for candidate in found:
        amount = _amount(candidate.value, spent)
        if not any(same(amount, _amount(other.value, spent)) for other in ranked):
            ranked.append(candidate)
    return tuple(ranked)


def _amount(value: Value, spent: bool) -> Amount:
    return _in_size(value).amount if spent else value.amount


def _in_size(value: Value) -> Value:
    """An outflow or a cost as a positive amount, whichever way the filing prints it.

    ``(benefit)`` in a label says that parentheses mean the opposite of a cost.
    """
    amount, label = value.amount, value.label.casefold()
    if "(benefit" in label or "(gain" in label or "(income" in label:
        return value
    size = amount.value.copy_negate() if "benefit" in label else amount.value.copy_abs()
    return replace(value, amount=Amount(size, amount.kind, amount.scale))


def _listed(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
