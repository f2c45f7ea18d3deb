"""The views against the service with its worker and embedded parts, once through."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Page, expect

from tests.e2e.operating import opened
from tests.integration.command_line import CommandLine
from tests.integration.conftest import narrow_model, some_filings
from tests.integration.test_worker_beside_service import serving

__all__ = ["narrow_model", "some_filings"]
LONG_MS = 180_000
QUESTION, ANSWER = "What were Aldercourt's net sales in 2022?", "3,919 million"


@pytest.mark.slow
def test_from_the_first_upload_to_an_answer_an_improvement_and_back(
    browser: Browser,
    tmp_path: Path,
    some_filings: Path,
    narrow_model: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    new, *others = sorted(some_filings.glob("*_2022_10K.pdf"))
    ragloop = CommandLine(tmp_path, {"RAGLOOP_EMBEDDING_MODEL": narrow_model}, monkeypatch, capfd)
    assert ragloop("ingest", *others).status == 0
    with (
        serving(tmp_path, narrow_model) as service,
        opened(browser, f"http://127.0.0.1:{service.port}/#/documents") as page,
    ):
        expect(page.locator("tr[data-document]")).to_have_count(len(others))
        page.locator("input[type=file]").set_input_files(new)
        card = page.locator(".upload").filter(has_text=new.name)
        expect(card).to_contain_text("Added", timeout=LONG_MS)
        expect(card).to_contain_text("2022")
        expect(page.locator("tr[data-document]")).to_have_count(len(others) + 1)

        page.goto(page.url.replace("documents", "ask"))
        _ask(page)
        answer = page.get_by_role("article", name="Question 1")
        expect(answer).to_contain_text(ANSWER)
        answer.get_by_role("button", name="Net sales").first.click()
        viewer = page.get_by_role("dialog", name=new.name)
        expect(viewer.locator(".page-mark").first).to_be_visible()
        page.keyboard.press("Escape")

        page.goto(page.url.replace("ask", "improve"))
        page.get_by_role("button", name="Start an improvement").click()
        page.get_by_label("Template questions").fill("60")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator(".job")).to_contain_text("Running", timeout=LONG_MS)
        past = page.locator("details.past").filter(has_text="Improvement")
        expect(past).to_contain_text("Gate: no", timeout=LONG_MS)
        decision = page.locator("section").filter(has=page.locator("#last-title"))
        expect(decision).to_contain_text("Why the gate said no", timeout=LONG_MS)
        expect(decision).to_contain_text("too few questions")
        expect(page.locator(".chart-point")).not_to_have_count(0)

        page.goto(page.url.replace("improve", "compare"))
        page.get_by_label("From release").select_option("r0001")
        page.get_by_label("To release").select_option("r0002")
        _ask(page)
        for side in ("From release r0001", "To release r0002"):
            expect(page.get_by_role("region", name=side)).to_contain_text(ANSWER)

        page.goto(page.url.split("#")[0] + "#/releases")
        page.get_by_role("button", name="Promote: r0002").click()
        page.get_by_role("button", name="Promote all the same").click()
        page.get_by_label("without the gate's yes").check()
        page.get_by_role("button", name="Pass over the gate").click()
        live = page.get_by_role("link", name="Live release r0002")
        expect(live).to_be_visible(timeout=LONG_MS)
        page.get_by_role("button", name="Roll back to r0001").click()
        page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        expect(page.get_by_role("link", name="Live release r0001")).to_be_visible(timeout=LONG_MS)

        page.goto(page.url.replace("releases", "documents"))
        page.get_by_role("button", name=f"Remove {new.name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.locator("tr[data-document]")).to_have_count(len(others))


def _ask(page: Page) -> None:
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.keyboard.press("Enter")
