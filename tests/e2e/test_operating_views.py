"""Documents, releases and improvements in the browser, over fake stores and a queue by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, FilePayload, Page, expect

from rag_service.api.app import create_app
from tests.e2e.operating import REASONS, GatedWorld, assert_accessible, opened
from tests.fakes.filings import filing
from tests.fakes.served import served

OUTCOME = {
    "path": "/x/NEW_2023_10K.pdf",
    "status": "added",
    "reason": "",
    "message": "",
    "warnings": ["the cover page does not state: ticker"],
    "document": "NEW_2023_10K.pdf",
    "document_id": "d",
    "pages": 3,
    "chunks": 41,
    "tables": 7,
    "company": "Newmark <i>Corp</i>",
    "form": "10-K",
    "fiscal_year": 2023,
}


@pytest.fixture
def world(tmp_path: Path) -> GatedWorld:
    return GatedWorld(tmp_path)


@pytest.fixture
def url(world: GatedWorld) -> Iterator[str]:
    with served(create_app(lambda: nullcontext(world))) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with opened(browser, url) as page:
        yield page


def go(page: Page, view: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=view).click()
    expect(page.get_by_role("heading", name=view, level=1)).to_be_visible()


def test_an_upload_is_followed_until_it_is_understood(page: Page, world: GatedWorld) -> None:
    go(page, "Documents")
    page.locator("input[type=file]").set_input_files(
        [
            FilePayload(name="NEW_2023_10K.txt", mimeType="text/plain", buffer=b"Form 10-K " * 99),
            FilePayload(name="zip.pdf", mimeType="application/pdf", buffer=b"PK\x03\x04" * 99),
        ]
    )
    card = page.get_by_role("listitem").filter(has_text="NEW_2023_10K.txt")
    expect(card).to_contain_text("Waiting for its turn")
    record = world.queue.take()
    assert record
    world.queue.report(record.job, "embed NEW_2023_10K.txt", 12, 41)
    expect(card).to_contain_text("Indexing 12 of 41 passages")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "29")
    world.queue.end(record.job, {"documents": [OUTCOME]})
    expect(card).to_contain_text("Added")
    expect(card).to_contain_text("Newmark <i>Corp</i>")
    expect(card).to_contain_text("The cover page does not state: ticker.")
    refused = page.get_by_role("listitem").filter(has_text="zip.pdf")
    expect(refused).to_contain_text("The content is not a PDF")
    expect(refused).to_contain_text("Refused")


def test_files_that_are_dropped_anywhere_are_sent_and_a_refused_one_is_listed_as_such(
    page: Page, world: GatedWorld
) -> None:
    go(page, "Documents")
    dropped = page.evaluate_handle(
        """() => {
            const dropped = new DataTransfer();
            for (const name of ["ONE_2023_10K.txt", "TWO_2023_10K.txt"])
                dropped.items.add(new File(["Form 10-K ".repeat(99)], name, {type: "text/plain"}));
            return dropped;
        }"""
    )
    heading = page.get_by_role("heading", name="Documents", level=1)
    heading.dispatch_event("dragenter", {"dataTransfer": dropped})
    expect(page.locator("main.dropping, .dropping")).to_have_count(1)
    heading.dispatch_event("dragover", {"dataTransfer": dropped})
    heading.dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.locator(".dropping")).to_have_count(0)
    outcomes = {"ONE_2023_10K.txt": "Added", "TWO_2023_10K.txt": "Refused"}
    for name, outcome in outcomes.items():
        card = page.get_by_role("listitem").filter(has_text=name)
        expect(card).to_contain_text("Waiting for its turn")
        record = world.queue.take()
        assert record
        assert str(record.arguments["paths"][0]).endswith(f"/{name}")
        sent = world.home / "uploads" / record.arguments["paths"][0]
        assert sent.read_bytes() == b"Form 10-K " * 99
        refused = outcome == "Refused"
        told = {
            "document": name,
            "status": outcome.lower(),
            "message": "no text" if refused else "",
        }
        world.queue.end(record.job, {"documents": [OUTCOME | told]}, refused * "refused: no text")
        expect(card).to_contain_text(outcome)
    go(page, "Improve")
    past = page.locator("details.past")
    expect(past.filter(has_text="refused: no text")).to_contain_text("Refused")
    expect(past.filter(has_text="ONE_2023_10K.txt")).to_contain_text("Done")


def test_files_that_wait_are_not_left_unasked_and_long_names_are_cut(
    page: Page, world: GatedWorld
) -> None:
    go(page, "Documents")
    text = b"Form 10-K " * 99
    names = ["first.txt", f"{'long' * 45}.txt"]
    page.locator("input[type=file]").set_input_files(
        [FilePayload(name=name, mimeType="text/plain", buffer=text) for name in names]
    )
    expect(page.get_by_text("Waiting to be sent")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    leaving = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert page.evaluate(leaving)
    for name in names:
        expect(page.get_by_text("Waiting for its turn")).to_be_visible()
        record = world.queue.take()
        assert record
        world.queue.end(record.job, {"documents": [OUTCOME | {"document": name}]})
        expect(page.locator(".upload", has_text=name)).to_contain_text("Added")
    assert not page.evaluate(leaving)


def test_a_page_that_was_opened_goes_with_its_view(page: Page, world: GatedWorld) -> None:
    (document,) = world.chunks.documents()
    go(page, "Documents")
    page.get_by_role("button", name=f"Open {document.name}").click()
    expect(page.get_by_role("dialog", name=document.name)).to_be_visible()
    go(page, "Releases")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_upload_that_runs_already_is_shown_and_can_be_stopped(
    page: Page, world: GatedWorld
) -> None:
    job = world.queue.start("ingest", {"paths": ["/x/OTHER_2023_10K.pdf"]}).job
    go(page, "Documents")
    card = page.get_by_role("listitem").filter(has_text="OTHER_2023_10K.pdf")
    card.get_by_role("button", name="Stop OTHER_2023_10K.pdf").click()
    expect(card).to_contain_text("Cancelled")
    assert world.queue.get(job).state == "cancelled"


def test_a_filing_is_found_and_removed_once_that_is_confirmed(
    page: Page, world: GatedWorld
) -> None:
    (document,) = world.chunks.documents()
    go(page, "Documents")
    row = page.get_by_role("row").filter(has_text=document.name)
    expect(row).to_contain_text("10-K")
    page.get_by_label("Find").fill("nothing of the kind")
    expect(page.get_by_text("No filing matches.")).to_be_visible()
    expect(page).to_have_url(re.compile("find=nothing"))
    page.get_by_label("Find").fill("alder")
    page.get_by_role("button", name="Pages").click()
    expect(page.get_by_role("columnheader", name="Pages")).to_have_attribute(
        "aria-sort", "ascending"
    )
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Cancel").click()
    assert world.chunks.documents()
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No filings yet")).to_be_visible()
    assert not world.chunks.documents()


def test_the_gate_is_passed_over_behind_a_second_question_and_rolled_back(
    page: Page, world: GatedWorld
) -> None:
    go(page, "Releases")
    candidate = page.get_by_role("article", name="r0002")
    expect(candidate).to_contain_text("0.2")
    expect(candidate).to_contain_text("Gate: no")
    expect(page.get_by_role("button", name="Roll back")).to_be_disabled()
    candidate.get_by_role("button", name="Promote").click()
    dialog = page.get_by_role("dialog")
    for reason in REASONS:
        expect(dialog).to_contain_text(reason)
    dialog.get_by_role("button", name="Promote all the same").click()
    expect(page.get_by_role("heading", name="Pass over the gate?")).to_be_visible()
    page.get_by_role("button", name="Pass over the gate").click()
    assert world.serving_release == "r0001", "the box was not ticked"
    page.get_by_label("without the gate's yes").check()
    page.get_by_role("button", name="Pass over the gate").click()
    expect(page.get_by_role("link", name="Live release r0002")).to_be_visible()
    page.get_by_role("button", name="Roll back to r0001").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("link", name="Live release r0001")).to_be_visible()
    assert world.serving_release == "r0001"


def test_a_candidate_that_the_gate_has_not_judged_is_judged_by_a_job(
    page: Page, world: GatedWorld
) -> None:
    world.add_release("model-of-r0003", filing("Alder Mills", 2023))
    go(page, "Releases")
    page.get_by_role("button", name="Promote: r0003").click()
    page.get_by_role("button", name="Have the gate judge it").click()
    expect(page.get_by_role("article").filter(has_text="Judgment")).to_contain_text("Waiting")
    record = world.queue.take()
    assert record
    assert (record.kind, record.arguments) == ("judge", {"release": "r0003"})
    no = world.timeline.judgment(world.timeline.points()[-1].run)
    world.queue.end(record.job, no, "refused by the gate: not proven")
    past = page.locator("details.past").filter(has_text="Judgment")
    expect(past).to_contain_text("Gate: no")
    past.locator("summary").first.click()
    expect(past.get_by_role("table", name="Figures before and after")).to_be_visible()


def test_an_improvement_is_started_watched_cancelled_and_taken_up_again(
    page: Page, world: GatedWorld
) -> None:
    go(page, "Improve")
    page.get_by_role("button", name="Start an improvement").click()
    page.get_by_label("Template questions").fill("60")
    page.get_by_role("button", name="Start", exact=True).click()
    card = page.get_by_role("article").filter(has_text="Improvement")
    expect(card).to_contain_text("Waits for the worker")
    record = world.queue.take()
    assert record
    assert (record.kind, record.arguments["questions"]) == ("improve", 60)
    assert record.arguments["llm_questions"] is None
    world.queue.report(record.job, "training", 3, 12)
    world.queue.log(record.job, "loss <b>0.5</b>")
    expect(card).to_contain_text("Training: 3 of 12")
    expect(card.get_by_role("listitem").filter(has_text="Training")).to_have_attribute(
        "aria-current", "step"
    )
    card.get_by_text("Log, 1 line").click()
    expect(card.get_by_role("log")).to_have_text("loss <b>0.5</b>")
    card.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    past = page.locator("details.past")
    expect(past).to_contain_text("Cancelled")
    past.locator("summary").first.click()
    past.get_by_role("button", name="again").click()
    expect(page.get_by_role("article").filter(has_text="Improvement")).to_contain_text("Waiting")
    assert world.queue.get(record.job).state == "queued"


def test_the_result_of_an_improvement_is_told_before_and_after(
    page: Page, world: GatedWorld
) -> None:
    before = world.timeline.judgment(world.timeline.points()[-1].run)
    job = world.queue.start("improve", {}).job
    world.queue.take()
    world.queue.end(job, before)
    go(page, "Improve")
    row = page.locator("details.past")
    row.locator("summary").first.click()
    table = row.get_by_role("table", name="Figures before and after")
    expect(table.get_by_role("row", name="NDCG@10")).to_contain_text(re.compile(r"0\.\d{3} \["))
    expect(row).to_contain_text(REASONS[1])


def test_the_chart_can_be_walked_by_keys_and_read_as_a_table(page: Page) -> None:
    go(page, "Improve")
    points = page.locator(".chart-point")
    expect(points).to_have_count(2)
    points.last.focus()
    hint = page.locator(".chart-hint")
    expect(hint).to_contain_text("r0002: NDCG@10")
    page.keyboard.press("ArrowLeft")
    expect(points.first).to_be_focused()
    expect(hint).to_contain_text("r0001: NDCG@10")
    page.keyboard.press("Escape")
    expect(hint).to_be_hidden()
    page.get_by_text("The figures as a table").click()
    table = page.get_by_role("table", name="NDCG@10 of releases over time")
    expect(table.get_by_role("row", name="r0002")).to_contain_text("Gate: no")


def test_the_report_opens_with_its_style_and_without_scripts(page: Page) -> None:
    go(page, "Improve")
    with page.expect_popup() as opening:
        page.get_by_role("link", name="Open the report").click()
    report = opening.value
    expect(report.get_by_role("heading", name="Retrieval report")).to_be_visible()
    assert report.locator("main").evaluate("main => getComputedStyle(main).maxWidth") != "none"
    assert report.evaluate("origin") == "null", "it is not in a sandbox"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_accessible(
    browser: Browser, url: str, world: GatedWorld, theme: str
) -> None:
    before = world.timeline.judgment(world.timeline.points()[-1].run)
    world.queue.end(world.queue.start("improve", {}).job, before, "refused by the gate: not proven")
    world.queue.start("improve", {})
    world.queue.take()
    for width in (1280, 390):
        screen = {"width": width, "height": 844}
        with opened(browser, url, viewport=screen, color_scheme=theme) as page:
            for view in ("Documents", "Releases", "Improve"):
                go(page, view)
                expect(page.locator("main .skeleton")).to_have_count(0)
                assert_accessible(page)
            page.locator("details.past summary").first.click()
            expect(page.get_by_role("table", name="Figures before and after")).to_have_count(2)
            assert_accessible(page)
            page.get_by_role("button", name="Start an improvement").click()
            assert_accessible(page)
