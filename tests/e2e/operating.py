"""What the tests of the operating views share: pages that tell of faults, and a small world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page

from rag_service.core.errors import GateRejected
from rag_service.core.types import Document, GateDecision, Release, Run
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.unit import report_cases as cases

REASONS = ("ndcg@10 is not proven better: 0.251 to 0.248", "<b>slice kind=table</b> lost 0.061")


class GatedWorld(World):
    """Release r0001 is live, r0002 a candidate that the gate refused; both were measured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        chunks = filing("Alder Mills", 2023)
        first = chunks[0]
        self.add_release("model-of-r0001", chunks, live=True)
        self.add_release("model-of-r0002", chunks)
        document = Document(
            first.document_id,
            first.document,
            first.facts,
            8,
            len(chunks),
            4,
            "2025-01-01T00:00:00Z",
        )
        self.chunks.replace(document, chunks, "r0001")
        before, after = self.measure("r0001", 1), self.measure("r0002", 2)
        self.history.add_decision(before, after, GateDecision(False, REASONS))

    def measure(self, release: str, day: int) -> Run:
        scores = cases.scores(cases.COUNT, day)
        run = cases.run(release, scores, created=f"2025-01-0{day}T00:00:00Z")
        self.history.add(run)
        return run

    @property
    def serving_release(self) -> str:
        live = self.releases.current()
        assert live
        return live.release

    def promote(self, release: str, force: bool = False) -> Release:
        judged = self.releases.get(release).state == "candidate" and self.releases.current()
        if judged and not force:
            raise GateRejected(f"the gate refused release {release}: {'; '.join(REASONS)}")
        return super().promote(release, force)


@contextmanager
def opened(browser: Browser, url: str, **context: Any) -> Iterator[Page]:
    """A page at ``url`` in which no script fails and nothing is refused by the policy."""
    made = browser.new_context(**context)
    page = made.new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    try:
        page.goto(url)
        yield page
    finally:
        made.close()
    assert not faults


def _is_fault(said: ConsoleMessage) -> bool:
    """Whatever is an error on the console, but a request that the API refused: that is shown."""
    refused = "/static/" not in said.location["url"] and said.text.startswith("Failed to load")
    return "Content Security Policy" in said.text or (said.type == "error" and not refused)


def assert_accessible(page: Page) -> None:
    """No violation of axe's rules, be it a moderate one, and nothing wider than the window."""
    found = Axe().run(page).response["violations"]
    told = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert not told, told
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
