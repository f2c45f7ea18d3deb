"""Which candidates an operator may make live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag_service.core.errors import GateRejected
from rag_service.core.types import Document, GateDecision, Run
from rag_service.wiring import Services
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.unit.eval_cases import scored_run

CHUNKS = filing("Alder Mills", 2023)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Release r0001 is live, r0002 and r0003 are candidates."""
    world = World(tmp_path)
    document = Document(
        CHUNKS[0].document_id, CHUNKS[0].document, CHUNKS[0].facts, 9, len(CHUNKS), 0, "2025"
    )
    world.chunks.replace(document, CHUNKS, None)
    for model in ("ma", "mb", "mc"):
        world.add_release(model, CHUNKS, live=model == "ma")
    client: Any = None
    services = Services(world.settings, client, background=False)
    parts = ("vectors", "chunks", "releases", "registry")
    vars(services).update({name: getattr(world, name) for name in parts})
    return services


def judge(services: Services, before: str, after: str, *, promoted: bool = True) -> None:
    def run(name: str) -> Run:
        model = services.releases.get(name).model
        run = replace(scored_run([0.5], name), model=model, run_id=f"{before}{after}{name}")
        services.history.add(run)
        return run

    decision = GateDecision(promoted, ("because",))
    services.history.add_decision(run(before), run(after), decision)


def test_what_the_gate_let_pass_goes_live(services: Services) -> None:
    judge(services, "r0001", "r0002")
    assert services.promote("r0002").release == "r0002"


def test_a_candidate_that_was_compared_with_another_release_stays_out(services: Services) -> None:
    judge(services, "r0001", "r0002")
    judge(services, "r0001", "r0003")
    services.promote("r0003")
    with pytest.raises(GateRejected, match="compared release r0002 with r0001, and r0003 is live"):
        services.promote("r0002")
    assert services.promote("r0002", force=True).release == "r0002"
    assert services.promote("r0001").release == "r0001", "it was live before"


def test_a_release_of_the_same_name_on_an_emptied_redis_is_another(services: Services) -> None:
    judge(services, "r0001", "r0002")
    services.releases.put(replace(services.releases.get("r0001"), model="mc"))
    with pytest.raises(GateRejected, match="run `ragloop improve` again, or promote it with --f"):
        services.promote("r0002")


def test_what_the_gate_refused_or_never_saw_stays_out(services: Services) -> None:
    judge(services, "r0001", "r0002", promoted=False)
    with pytest.raises(GateRejected, match="the gate refused release r0002: because"):
        services.promote("r0002")
    with pytest.raises(GateRejected, match="never judged"):
        services.promote("r0003")
