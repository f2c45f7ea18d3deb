"""What so many filings will take: chunks, memory, disk and hours, from measured rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

from rag_service.loop.estimate import Estimate, mean, ratio
from rag_service.loop.rates import Rates, Sizes, Training


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a plan; ``source`` names what it was measured on and how sure that makes it."""

    name: str
    unit: str
    estimate: Estimate
    source: str

    def as_dict(self) -> dict[str, object]:
        found = self.estimate
        return {
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "unit": self.unit,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is planned for; ``pages`` a filing, or None where the measured ones are typical."""

    filings: int
    pages: float | None = None
    questions: int = 2400
    epochs: int = 1


def plan(
    rates: Rates, wanted: Wanted, sizes: Sequence[Sizes] = (), sizes_from: str = ""
) -> dict[str, Figure]:
    """The figures by name, in order. ``sizes`` are of filings like those, if better ones are known.

    Memory and disk are those of one release; ``further`` ones come beside it while one is built,
    and stay as long as they are kept.
    """
    sizes, sizes_from = (sizes, sizes_from) if sizes else (rates.filings, rates.filings_from)
    return _Plan(rates, wanted, sizes, sizes_from).figures()


class _Plan:
    def __init__(
        self, rates: Rates, wanted: Wanted, sizes: Sequence[Sizes], sizes_from: str
    ) -> None:
        self._rates = rates
        self._wanted = wanted
        self._sizes = sizes
        ahead = wanted.filings
        self._sized = f"{len(sizes)} filings ({sizes_from})"
        self._each = (
            mean([one.pages for one in sizes], ahead)
            if wanted.pages is None
            else Estimate(wanted.pages)
        )
        self._pages = self._each.times(ahead)
        self._chunks = self._of_pages("chunks")
        self._by = f"measured {rates.measured} on {rates.machine['name']}"

    def figures(self) -> dict[str, Figure]:
        found = [*self._amounts(), *self._memory(), *self._disk(), *self._hours()]
        return {figure.name: figure for figure in found}

    def _of_pages(self, what: str) -> Estimate:
        parts = [(one.pages, getattr(one, what)) for one in self._sizes]
        return self._pages * ratio(parts, self._wanted.filings)

    def _amounts(self) -> list[Figure]:
        asked = "as asked" if self._wanted.pages is not None else f"mean of {self._sized}"
        return [
            Figure("pages", "pages", self._pages, asked),
            Figure("chunks", "chunks", self._chunks, f"chunks a page of {self._sized}"),
        ]

    def _memory(self) -> list[Figure]:
        fills = self._rates.fills
        stored = mean([one.store_bytes / one.chunks for one in fills])
        empty = Estimate(self._rates.empty_bytes)
        whole = empty + self._chunks * stored + self._index()
        source = f"{len(fills)} fills of {fills[0].chunks} chunks, {self._by}"
        return [
            Figure("redis_memory", "bytes", whole, source),
            Figure("redis_memory_further_release", "bytes", self._index(), source),
        ]

    def _index(self) -> Estimate:
        """An index grows by the chunk, and its vectors by the block."""
        rates = self._rates
        each = mean([one.index_bytes / one.chunks for one in rates.fills])
        block, chunks = rates.block, self._chunks
        spare = Estimate(ceil(chunks.value / block) * block - chunks.value)
        if chunks.error > block / 2:
            spare = Estimate(block / 2, block / 2)
        return self._chunks * each + spare.times(rates.first_bytes / block)

    def _disk(self) -> list[Figure]:
        rates = self._rates
        model = int(rates.model["bytes"])
        found = [
            Figure("kept_filings", "bytes", self._of_pages("bytes"), f"files of {self._sized}"),
            Figure("model", "bytes", Estimate(model), f"files of {rates.model['name']}"),
        ]
        if rates.training:
            left = Estimate(model + rates.training.folder_bytes)
            source = f"a model as large, and what one training left, {self._by}"
            found.append(Figure("each_training", "bytes", left, source))
        if file := rates.redis_file:
            measured = sum(one.chunks for one in rates.fills)
            further = self._chunks.times(file.index_bytes / measured)
            whole = further + self._chunks.times(file.store_bytes / measured)
            source = f"append-only file of {measured} chunks just rewritten, {self._by}"
            at_most = Estimate(file.least_bytes)
            grown = whole.times(1 + file.grows_percent / 100)
            at_most = (grown if grown.value > file.least_bytes else at_most) + whole
            rule = (
                f"from the last: it grows by {file.grows_percent} %, at least to "
                f"{file.least_bytes / 1e6:.0f} MB, until a new one is written beside it"
            )
            found += [
                Figure("redis_file", "bytes", whole, source),
                Figure("redis_file_further_release", "bytes", further, source),
                Figure("redis_file_at_most", "bytes", at_most, rule),
            ]
        return found

    def _hours(self) -> list[Figure]:
        rates, ahead = self._rates, self._wanted.filings
        growth, grown = self._growth()
        embed = self._chunks * ratio(rates.embed) + growth
        reindex = self._chunks * ratio(rates.reindex) + growth + mean(rates.start_reindex)
        read = self._pages * ratio(rates.read, ahead if len(rates.read) > 1 else 0)
        beside = f"{rates.cores} cores, of which the encoder takes {rates.threads}"
        encoded = (
            f"{_sum(rates.embed)} chunks embedded, {_sum(rates.read)} pages read beside one "
            f"another on {beside}; {grown}; {self._by}"
        )
        rounds = f"{len(rates.reindex)} rounds of {rates.reindex[0][0]:.0f} chunks"
        found = [
            Figure("ingest_seconds", "seconds", self._beside(embed, read), encoded),
            Figure("reindex_seconds", "seconds", reindex, f"{rounds}; {grown}; {self._by}"),
        ]
        if rates.training:
            seconds, source = self._training(rates.training)
            found.append(Figure("training_seconds", "seconds", seconds, source))
        return found

    def _beside(self, embed: Estimate, read: Estimate) -> Estimate:
        """Reading beside embedding: what cores the encoder leaves are free for it.

        Neither can be shorter than the longer of the two, nor than all work on all cores; the
        first filing is read by one core while the encoder waits.
        """
        cores, threads = self._rates.cores, self._rates.threads
        first = (self._each * ratio(self._rates.read)).times(cores)
        work = embed.times(threads / cores) + read
        ways = (work, embed + first, read)
        longest = max(ways, key=lambda way: way.value)
        return longest + mean(self._rates.start_ingest)

    def _growth(self) -> tuple[Estimate, str]:
        """Seconds that writes take beyond those that were measured, as the graph gets larger.

        A search through it, which each write begins with, takes time by the logarithm of its size
        (Malkov and Yashunin 2018, section 4.2.1).
        """
        fills = self._rates.fills
        ends = [sum(one.chunks for one in fills[: i + 1]) for i in range(len(fills))]
        sizes = [log(end - one.chunks / 2) for end, one in zip(ends, fills, strict=True)]
        seconds = [one.seconds / one.chunks for one in fills]
        middle = sum(sizes) / len(sizes)
        square = sum((size - middle) ** 2 for size in sizes)
        rise = sum((x - middle) * y for x, y in zip(sizes, seconds, strict=True)) / square
        start, chunks = fills[0].chunks / 2, self._chunks.value
        if chunks <= start or rise <= 0:
            return Estimate(0.0), "writes that do not get slower"
        more = rise * (chunks * log(chunks / start) - chunks + start)
        return Estimate(more, more), f"writes slower by the size's logarithm: {more:.0f} s in all"

    def _training(self, one: Training) -> tuple[Estimate, str]:
        rates, wanted = self._rates, self._wanted
        embed = ratio(rates.embed)
        step = mean(one.steps)
        drafting = one.drafted_seconds / one.drafted_chunks
        there = self._chunks.value * one.drafted_pairs / one.drafted_chunks
        many = min(wanted.questions * one.drafted_kept, there)
        pairs = Estimate(many)
        # Of questions that every search answers a part is trained on, and few filings have more.
        ends = sorted((one.train_pairs / one.pairs, one.drafted_for_training / one.drafted_pairs))
        trained = pairs * Estimate(sum(ends) / 2, (ends[1] - ends[0]) / 2)
        steps = trained.times(wanted.epochs / one.batch)
        known = (
            step.times(one.step_count)
            + embed.times(one.validated * one.validations)
            + Estimate(one.pair_seconds)
        )
        rest = Estimate(max(0.0, one.seconds - known.value))
        validated = min(one.validated_most, one.validated * many / one.pairs)
        seconds = (
            rest
            + self._chunks.times(drafting)
            + pairs.times(one.pair_seconds / one.pairs)
            + steps * step
            + embed.times(validated * one.validations_usual)
        )
        return seconds, (
            f"{len(one.steps)} steps of {one.batch} on {one.pairs} questions about "
            f"{one.documents} filings, {self._by}; here {steps.value:.0f} steps on "
            f"{many:.0f} questions without an LLM's"
        )


def _sum(parts: Sequence[tuple[float, float]]) -> int:
    return round(sum(what for what, _ in parts))
