"""Plans of made-up rates whose answers are known, and what a plan refuses."""

from __future__ import annotations

from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest

from rag_service.core.errors import ConfigError, NotFound
from rag_service.core.settings import Settings
from rag_service.loop import rates as kept
from rag_service.loop.estimate import Estimate, mean, ratio
from rag_service.loop.plan import Wanted, plan
from rag_service.loop.plan_benchmark import compared
from rag_service.loop.rates import Fill, Rates, RedisFile, Sizes, Training

SETTINGS = Settings(llm="none")
TRAINING = Training(
    documents=4,
    chunks=200,
    pairs=100,
    train_pairs=64,
    batch=32,
    seconds=30.0,
    steps=(5.0, 5.0),
    step_count=2,
    validated=40,
    validated_most=400,
    pair_seconds=2.0,
    validations=4,
    validations_usual=7,
    drafted_chunks=1000,
    drafted_pairs=2000,
    drafted_for_training=1280,
    drafted_seconds=10.0,
    drafted_kept=0.5,
    folder_bytes=50,
)


def rates(**changed: Any) -> Rates:
    """100 pages and 800 chunks a filing, 20 chunks embedded and 40 pages read in a second."""
    made: dict[str, Any] = {
        "measured": "2026-01-01T00:00:00Z",
        "machine": {"name": "here", "processor": "fast", "device": "cpu"},
        "cores": 2,
        "threads": 2,
        "model": {"name": "small", "fingerprint": "m1", "dims": 384, "bytes": 1000},
        "settings": kept.shape(SETTINGS),
        "filings": (Sizes(pages=100, chunks=800, bytes=5000),) * 4,
        "filings_from": "4 of 9 filings",
        "start_ingest": (10.0,),
        "start_reindex": (8.0,),
        "read": ((200, 5.0), (200, 5.0)),
        "embed": ((64, 3.2), (64, 3.2)),
        "reindex": ((128, 6.4), (128, 6.4)),
        "empty_bytes": 1_000_000,
        "first_bytes": 2_048_000,
        "block": 1024,
        "fills": (Fill(chunks=1024, index_bytes=8_192_000, store_bytes=1_024_000, seconds=1.0),)
        * 4,
        "redis_file": RedisFile(
            index_bytes=4_096_000, store_bytes=4_096_000, grows_percent=100, least_bytes=64_000_000
        ),
        "training": TRAINING,
        "no_training": "",
    }
    return Rates(**made | changed)


def figures(found: Rates, **wanted: Any) -> dict[str, Estimate]:
    planned = plan(found, Wanted(**{"filings": 10} | wanted))
    return {name: figure.estimate for name, figure in planned.items()}


def test_amounts_memory_and_disk_follow_from_what_one_chunk_takes() -> None:
    found = figures(rates())
    assert (found["pages"].value, found["chunks"].value) == (1000, 8000)
    spare = 8 * 1024 - 8000
    index = 8000 * 8000 + spare * 2000
    assert found["redis_memory_further_release"].value == pytest.approx(index)
    assert found["redis_memory"].value == pytest.approx(1_000_000 + 8000 * 1000 + index)
    assert found["kept_filings"].value == 50_000
    assert found["each_training"].value == 1050
    rewritten = 8000 * 2000
    assert found["redis_file"].value == pytest.approx(rewritten)
    assert found["redis_file_at_most"].value == pytest.approx(64_000_000 + rewritten)
    larger = figures(rates(), filings=100)
    assert larger["redis_file_at_most"].value == pytest.approx(30 * rewritten)


def test_hours_are_those_of_all_work_on_all_cores() -> None:
    found = figures(rates())
    embed, read = 8000 / 20, 1000 / 40
    assert found["ingest_seconds"].value == pytest.approx(10 + embed + read)
    assert found["reindex_seconds"].value == pytest.approx(8 + embed)


def test_starts_that_differ_widen_the_range() -> None:
    found = figures(rates(start_ingest=(9.0, 10.0, 11.0), start_reindex=(6.0, 8.0, 10.0)))
    once = figures(rates())
    for name, spread in (("ingest_seconds", 1.0), ("reindex_seconds", 2.0)):
        assert found[name].value == pytest.approx(once[name].value)
        assert found[name].error == pytest.approx(spread * 4.303 / sqrt(3), 1e-3)


def test_cores_that_the_encoder_leaves_read_beside_it_but_for_the_first_filing() -> None:
    found = figures(rates(cores=4, threads=1))
    first = 100 / 40 * 4
    assert found["ingest_seconds"].value == pytest.approx(10 + 8000 / 20 + first)


def test_an_encoder_that_is_faster_than_the_readers_waits_for_them() -> None:
    found = figures(rates(cores=4, threads=1, embed=((1000, 0.1), (1000, 0.1))))
    read = 1000 / 40
    assert found["ingest_seconds"].value == pytest.approx(10 + read + 0.8 / 4)


def test_writes_get_slower_by_the_logarithm_of_the_size() -> None:
    sizes = [512 + 1024 * i for i in range(4)]
    grown = tuple(
        Fill(chunks=1024, index_bytes=1, store_bytes=1, seconds=1024 * (0.001 + 0.0005 * log(n)))
        for n in sizes
    )
    found = figures(rates(fills=grown), filings=1000)
    chunks = 800_000
    more = 0.0005 * (chunks * log(chunks / 512) - chunks + 512)
    assert found["reindex_seconds"].value == pytest.approx(8 + chunks / 20 + more)
    assert found["reindex_seconds"].error == pytest.approx(more), "it is far beyond what was seen"


def test_a_training_grows_until_it_has_the_questions_that_are_wanted() -> None:
    few, many = figures(rates(), filings=1), figures(rates(), filings=1000)
    # Steps, validations and asking are known; the rest of 30 s is the same in any training.
    rest = 30 - (2 * 5 + 4 * 40 / 20 + 2)
    pairs = 2400 * 0.5
    steps = pairs * 0.64 / 32
    whole = rest + 800_000 / 100 + pairs * 0.02 + steps * 5 + 7 * 400 / 20
    assert many["training_seconds"].value == pytest.approx(whole)
    assert few["training_seconds"].value < rest + 8 + 1200 * 0.02 + steps * 5 + 7 * 400 / 20 + 1
    twice = figures(rates(), filings=1000, epochs=2)
    assert twice["training_seconds"].value == pytest.approx(whole + steps * 5)


def test_filings_that_differ_widen_the_range_and_pages_that_are_given_do_not() -> None:
    sizes = tuple(Sizes(pages=p, chunks=8 * p, bytes=50 * p) for p in (80, 100, 120))
    found = figures(rates(filings=sizes))
    # Student's t of two degrees of freedom; three were measured, ten are planned.
    assert found["chunks"].error == pytest.approx(8000 * 0.2 * 4.303 * sqrt(1 / 3 + 1 / 10), 1e-3)
    given = figures(rates(filings=sizes), pages=200)
    assert (given["chunks"].value, given["chunks"].error) == (16_000, 0)


def test_the_homes_own_filings_come_before_those_that_were_measured() -> None:
    own = [Sizes(pages=10, chunks=20, bytes=30)] * 2
    planned = plan(rates(), Wanted(5), own, "this home")
    assert planned["chunks"].estimate.value == 100
    assert "2 filings (this home)" in planned["chunks"].source
    assert "4 of 9" in plan(rates(), Wanted(5))["chunks"].source


def test_what_was_not_measured_is_not_planned() -> None:
    found = figures(rates(training=None, no_training="too few", redis_file=None))
    assert not {"training_seconds", "each_training", "redis_file"} & found.keys()
    assert found["ingest_seconds"].value > 0


def test_errors_go_through_sums_and_products() -> None:
    assert mean([7.0]) == Estimate(7.0)
    assert mean([1.0, 2.0, 3.0]).error == pytest.approx(4.303 / sqrt(3), 1e-3)
    assert ratio([(1, 2), (3, 6)]) == Estimate(2.0)
    assert (Estimate(1, 3) + Estimate(2, 4)) == Estimate(3, 5)
    assert (Estimate(2, 0.6) * Estimate(3, 1.2)).error == pytest.approx(sqrt(1.8**2 + 2.4**2))
    assert Estimate(1, 3).low == 0
    with pytest.raises(ValueError, match="measured"):
        ratio([])


def test_rates_are_kept_and_those_of_other_settings_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "home" / "rates.json"
    with pytest.raises(NotFound, match="plan --measure"):
        kept.load(place)
    rates().save(place)
    assert kept.load(place) == rates()
    kept.check(rates(), SETTINGS)
    other = SETTINGS.model_copy(update={"index_datatype": "float16"})
    with pytest.raises(ConfigError, match=r"index_datatype 'float32', now 'float16'"):
        kept.check(rates(), other)
    place.write_text("{}")
    with pytest.raises(ConfigError, match="measure again"):
        kept.load(place)


def test_a_figure_is_right_within_a_quarter_of_what_was_measured() -> None:
    planned = plan(rates(), Wanted(10))
    real = {"pages": 1, "chunks": 8000 / 1.24, "reindex_seconds": 408 / 1.26}
    rows = compared(planned, real)
    assert {name: row["right"] for name, row in rows.items()} == {
        "chunks": True,
        "reindex_seconds": False,
    }
    assert rows["chunks"]["ratio"] == pytest.approx(1.24)
