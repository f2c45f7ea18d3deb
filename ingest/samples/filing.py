"""One filing's view of a company: the year, the books, and text with the figures filled in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from ingest.samples.blocks import Block, Paragraph, Row, RowRule, Table, dollars
from ingest.samples.books import Books
from ingest.samples.profile import Company, YearStory


@dataclass(frozen=True, slots=True)
class Filing:
    """The annual report of one company for one fiscal year."""

    company: Company
    year: int
    books: dict[int, Books]
    figures: dict[str, str]

    @property
    def now(self) -> Books:
        return self.books[self.year]

    @property
    def before(self) -> Books:
        return self.books[self.year - 1]

    @property
    def story(self) -> YearStory:
        return self.company.stories[self.year]

    @property
    def fy(self) -> str:
        return self.company.year_name(self.year)

    @property
    def prior(self) -> str:
        return self.company.year_name(self.year - 1)

    @property
    def year_end(self) -> str:
        return self.company.year_ends[self.year]

    @property
    def unit_line(self) -> str:
        return f"(in {self.company.unit.word})"

    def rng(self, topic: str, year: int | None = None) -> Random:
        """Random numbers for one schedule of one year, the same in every filing that shows it."""
        return Random(f"{topic} of {self.company.key} in {year or self.year}")

    def say(self, text: str) -> str:
        """The text with its figures filled in; an unknown figure is a `KeyError`."""
        return " ".join(text.format_map(self.figures).split())

    def paragraphs(self, text: str) -> list[Block]:
        """Body paragraphs, which blank lines separate."""
        return [Paragraph(self.say(part)) for part in text.strip().split("\n\n")]

    def choose(self, *options: str) -> str:
        """One of several wordings, varying by company and year, with a capital letter."""
        # Chosen by position, since the options themselves may hold figures.
        text = self.say(options[self.rng("wording").randrange(1000) % len(options)])
        return text[0].upper() + text[1:]

    def prose(self, ticks: int) -> str:
        return self.company.unit.prose(ticks)

    def cells(self, values: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.company.unit.cell(value) for value in values)

    def years(self, count: int) -> tuple[int, ...]:
        """The newest `count` fiscal years, newest first."""
        return tuple(range(self.year, self.year - count, -1))

    def heads(self, count: int, *, at_end: bool = False) -> tuple[str, ...]:
        """Column heads for so many years; full dates where the year end moves.

        Args:
            count: Number of columns.
            at_end: Whether the columns are balances at the year end and not flows of the year.
        """
        years = self.years(count)
        if not self.moving_year_end:
            return tuple(str(year) for year in years)
        if at_end or self.company.unit.word == "millions":
            return tuple(self.company.year_ends[year].replace(", ", ",\n") for year in years)
        return tuple(str(year) for year in years)

    @property
    def moving_year_end(self) -> bool:
        """Whether the company keeps a year of 52 or 53 weeks."""
        return len({date.split(",")[0] for date in self.company.year_ends.values()}) > 1

    @property
    def span(self) -> str:
        """The head over the columns of a statement of flows."""
        if self.moving_year_end:
            return "Fiscal Year Ended" if self.company.unit.word == "millions" else "Fiscal Year"
        return f"Years ended {self.year_end.split(',')[0]},"

    @property
    def span_at_end(self) -> str:
        return "" if self.moving_year_end else f"{self.year_end.split(',')[0]},"

    def flow_row(
        self,
        label: str,
        pick: Callable[[Books], int],
        count: int = 3,
        *,
        dollar: bool = False,
        indent: int = 0,
        rule: RowRule = "none",
        bold: bool = False,
    ) -> Row:
        """A row of one amount for each of the newest years."""
        values = [pick(self.books[year]) for year in self.years(count)]
        return self.line(label, values, dollar=dollar, indent=indent, rule=rule, bold=bold)

    def line(
        self,
        label: str,
        values: Iterable[int],
        *,
        dollar: bool = False,
        indent: int = 0,
        rule: RowRule = "none",
        bold: bool = False,
    ) -> Row:
        """A row of amounts in ticks; `dollar` puts a sign before each."""
        cells = self.cells(values)
        return Row(label, dollars(cells) if dollar else cells, indent, rule, bold)

    def flow_table(self, rows: Iterable[Row], count: int = 3, unit: str = "") -> Table:
        """A table of flows, without the captions that are nil in all its years."""
        shown = tuple(row for row in rows if set(row.cells) != {"—"})
        return Table(self.heads(count), shown, self.span, unit or self.unit_line)

    def balance_table(self, rows: Iterable[Row], unit: str = "") -> Table:
        heads = self.heads(2, at_end=True)
        return Table(heads, tuple(rows), self.span_at_end, unit or self.unit_line)


def open_filing(company: Company, books: dict[int, Books], year: int) -> Filing:
    """The filing with all figures that texts may name."""
    return Filing(company, year, books, _figures(company, books[year], books[year - 1], year))


def change(now: int, was: int, rise: str = "increased", fall: str = "decreased") -> str:
    """The verb of a movement."""
    return rise if now >= was else fall


def share(part: float, whole: float) -> str:
    """A percentage for a sentence, without a sign."""
    return f"{abs(100 * part / whole):.1f}%"


def _figures(company: Company, now: Books, was: Books, year: int) -> dict[str, str]:
    prose = company.unit.prose
    story = company.stories[year]
    income, before = now.income, was.income
    figures = {
        "name": company.name,
        "short": company.short,
        "fy": company.year_name(year),
        "prior": company.year_name(year - 1),
        "year": str(year),
        "period_end": company.year_ends[year],
        "period_end_prior": company.year_ends[year - 1],
        "employees": f"{story.employees:,}",
        "sales": prose(income.sales),
        "sales_prior": prose(before.sales),
        "sales_word": company.wording.sales.lower(),
        "inventories": prose(now.balance.inventories),
        "inventories_prior": prose(was.balance.inventories),
        "debt": prose(now.balance.total_debt),
        "debt_prior": prose(was.balance.total_debt),
        "interest": prose(income.interest),
        "interest_prior": prose(before.interest),
        "capex": prose(now.cash.capex),
        "capex_prior": prose(was.cash.capex),
        "tax_rate": share(income.tax, income.pretax),
        "tax_rate_prior": share(before.tax, before.pretax),
    }
    return figures | dict(story.facts)
