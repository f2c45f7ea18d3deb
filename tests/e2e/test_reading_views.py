"""Ask, search and compare in the browser, over fake stores and a real PDF."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Page, Route, expect

from rag_service.api.app import create_app
from rag_service.core.errors import GenerationError
from tests.e2e.operating import assert_accessible, opened
from tests.e2e.reading import (
    COMPANY,
    DRAWN,
    FIGURE,
    HARM,
    HOSTILE,
    PROSE,
    WaitingGenerator,
    reading_world,
)
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.at_once import comes_true
from tests.fakes.served import served

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
DARK: dict[str, Any] = {"color_scheme": "dark"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    world = reading_world(tmp_path_factory.mktemp("reading") / "home")
    with served(create_app(lambda: nullcontext(world))) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with opened(browser, url) as page:
        yield page


def ask(page: Page, question: str) -> None:
    page.get_by_label("Question", exact=True).fill(question)
    page.keyboard.press("Enter")


def test_an_answer_s_citation_opens_its_page_with_the_quote_marked(page: Page) -> None:
    ask(page, FIGURE)
    answer = page.get_by_role("article", name="Question 1")
    expect(answer).to_contain_text("4,210 million")
    expect(answer.get_by_text("Grounded", exact=True)).to_be_visible()
    answer.get_by_role("button", name="Net sales").click()
    viewer = page.get_by_role("dialog", name=DRAWN)
    expect(viewer.locator(".page-mark")).to_have_count(1)
    expect(viewer.get_by_role("img", name=f"{DRAWN}, page 4")).to_be_visible()
    expect(viewer.get_by_role("status")).to_contain_text("1 line")
    mark, picture = (viewer.locator(s).bounding_box() for s in (".page-mark", "img"))
    assert mark
    assert picture
    assert picture["y"] < mark["y"] < picture["y"] + picture["height"] / 2
    viewer.get_by_role("button", name="Next page").click()
    expect(viewer.get_by_role("img", name=f"{DRAWN}, page 5")).to_be_visible()
    expect(viewer.get_by_text("5 / 6")).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(answer.get_by_role("button", name="Net sales")).to_be_focused()


def test_a_follow_up_takes_what_it_leaves_out_from_before(page: Page) -> None:
    ask(page, FIGURE)
    expect(page.get_by_role("article", name="Question 1")).to_contain_text("4,210")
    ask(page, "And in 2022?")
    second = page.get_by_role("article", name="Question 2")
    expect(second).to_contain_text("3,985")
    expect(second).to_contain_text("Understood as")
    second.get_by_text("How this was found").click()
    expect(second.get_by_text("Search the index")).to_be_visible()
    page.reload()
    again = page.get_by_role("article", name="Question 1")
    expect(again).to_contain_text("3,985")
    expect(page.get_by_text(f"Asked before: {FIGURE}")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("heading", name="Ask the filings")).to_be_visible()
    expect(page.get_by_text("Asked before")).to_have_count(0)


def test_a_tap_beside_the_keyboard_hits_what_it_is_on(browser: Browser, url: str) -> None:
    query = FIGURE.replace(" ", "+").replace("?", "%3F")
    phone = {**PHONE, "has_touch": True, "is_mobile": True}
    with opened(browser, f"{url}#/ask?q={query}", **phone) as page:
        expect(page.locator(".citation")).to_be_visible()
        assert page.evaluate("document.activeElement === document.body"), "a keyboard opens"
        page.get_by_role("button", name="New conversation").tap()
        expect(page.get_by_role("article")).to_have_count(0)


def test_a_dead_llm_leaves_the_passages_and_a_way_on(browser: Browser, tmp_path: Path) -> None:
    llm = ScriptedGenerator(error=GenerationError("the LLM does not answer"))
    world = reading_world(tmp_path / "home", llm)
    with (
        served(create_app(lambda: nullcontext(world))) as port,
        opened(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        ask(page, PROSE)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The LLM does not answer")
        expect(page.locator(".passage").first).to_be_visible()
        alert.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_contain_text("The LLM does not answer")
        page.goto(f"http://127.0.0.1:{port}/#/compare?q=foreign+currency&a=r0001&b=r0002")
        expect(page.get_by_role("alert")).to_contain_text("The LLM does not answer")
        expect(page.locator(".passage").first).to_be_visible()


def test_an_answer_that_is_stopped_is_not_written_on(browser: Browser, tmp_path: Path) -> None:
    llm = WaitingGenerator()
    world = reading_world(tmp_path / "home", llm)
    with (
        served(create_app(lambda: nullcontext(world))) as port,
        opened(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        ask(page, PROSE)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
        expect(page.get_by_text("Passages found")).to_be_visible()
        assert comes_true(lambda: llm.ended)


def test_trying_again_leaves_an_answer_that_is_being_written_alone(
    browser: Browser, tmp_path: Path
) -> None:
    world = reading_world(tmp_path / "home", WaitingGenerator())
    with (
        served(create_app(lambda: nullcontext(world))) as port,
        opened(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        away = '{"detail": "away"}'
        page.route("**/v1/ask", lambda route: route.fulfill(status=503, body=away), times=1)
        ask(page, PROSE)
        again = page.get_by_role("button", name="Try again")
        expect(again).to_be_visible()
        ask(page, PROSE)
        stop = page.get_by_role("button", name="Stop")
        expect(stop).to_be_visible()
        again.click()
        expect(page.get_by_text("Another answer is being written")).to_be_visible()
        expect(again).to_be_visible()
        stop.click()
        second = page.get_by_role("article", name="Question 2")
        expect(second.get_by_text("Stopped", exact=True)).to_be_visible()
        again.click()
        expect(again).to_have_count(0)
        expect(stop).to_be_visible()


@pytest.mark.parametrize(
    ("status", "said"),
    [(429, "Try again in 7 s"), (503, "cannot do this now"), (504, "took too long")],
)
def test_a_refused_question_says_what_to_do(page: Page, status: int, said: str) -> None:
    document = {"status": status, "detail": "said so", "code": "x", "retryable": True}

    def refuse(route: Route) -> None:
        route.fulfill(
            status=status,
            headers={"Retry-After": "7", "Content-Type": "application/problem+json"},
            body=json.dumps(document),
        )

    page.route("**/v1/ask", refuse)
    ask(page, FIGURE)
    expect(page.get_by_role("alert")).to_contain_text(said)


def test_a_key_is_asked_for_once_and_sent_from_then_on(page: Page) -> None:
    sent: list[str | None] = []

    def guard(route: Route) -> None:
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] == "Bearer rl_right":
            route.continue_()
        else:
            route.fulfill(status=401, body='{"detail": "send a key"}')

    page.route("**/v1/ask", guard)
    ask(page, FIGURE)
    for key in ("rl_wrong", "rl_right"):
        dialog = page.get_by_role("dialog", name="Enter your key")
        dialog.get_by_label("Key", exact=True).fill(key)
        page.keyboard.press("Enter")
        if key == "rl_wrong":
            page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("article")).to_contain_text("4,210 million")
    assert sent == [None, "Bearer rl_wrong", "Bearer rl_wrong", "Bearer rl_right"]


def test_filters_restrict_and_stand_in_the_address(page: Page, url: str) -> None:
    page.goto(f"{url}#/search")
    page.get_by_label("Query").fill("net sales")
    page.keyboard.press("Enter")
    expect(page.locator(".passage").first).to_be_visible()
    page.get_by_label("Company").select_option(COMPANY)
    expect(page.locator(".passage-place").first).to_contain_text(COMPANY)
    expect(page.locator(".passage").filter(has_not_text=COMPANY)).to_have_count(0)
    page.get_by_label("Kind of passage").select_option("table")
    expect(page.locator(".passage").filter(has_not_text="Table")).to_have_count(0)
    expect(page.get_by_role("cell", name="$4,210")).to_be_visible()
    expect(page.locator("mark").first).to_have_text(re.compile("net|sales", re.IGNORECASE))
    page.reload()
    expect(page.get_by_label("Company")).to_have_value(COMPANY)
    expect(page.get_by_role("cell", name="$4,210")).to_be_visible()


def test_scores_and_stages_of_a_search(page: Page, url: str) -> None:
    page.goto(f"{url}#/search?q=net+sales+of+Harrow&explain=1")
    scores = page.locator(".passage .scores").first
    expect(scores).to_contain_text("Score")
    page.get_by_text("Stages", exact=True).first.click()
    page.get_by_label("Words").click()
    expect(scores).to_contain_text("Meaning")
    expect(scores).to_contain_text("Words")
    assert "stages=vectors%2Ctext" in page.url
    page.get_by_label("Words").click()
    page.get_by_label("Meaning").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose Meaning or Words")


def test_two_releases_stand_side_by_side(page: Page, url: str) -> None:
    page.goto(f"{url}#/compare")
    page.get_by_label("From release").select_option("r0001")
    page.get_by_label("To release").select_option("r0002")
    page.get_by_label("Question", exact=True).fill(FIGURE)
    page.keyboard.press("Enter")
    before = page.get_by_role("region", name="From release r0001")
    after = page.get_by_role("region", name="To release r0002")
    expect(before).to_contain_text("4,210 million")
    expect(before.locator(".passage").filter(has_text=COMPANY).first).to_contain_text("Gone")
    expect(after.get_by_text("New", exact=True).first).to_be_visible()
    expect(after).to_contain_text("found in")


def test_a_filing_s_markup_is_text(page: Page, url: str) -> None:
    page.goto(f"{url}#/search?q=marlow+fabrics")
    hit = page.locator(".passage").filter(has_text="Marlow")
    expect(hit.locator(".passage-text")).to_have_text(HARM)
    expect(hit.locator("strong")).to_have_text('<b onclick="alert(1)">Marlow</b>')
    assert page.locator("main img, main script").count() == 0
    hit.get_by_role("button", name=HOSTILE).click()
    viewer = page.get_by_role("dialog", name=HOSTILE)
    expect(viewer.locator("pre")).to_have_text(HARM)
    expect(viewer.get_by_role("status")).to_contain_text("ingest the file again")


def test_the_keyboard_reaches_everything(page: Page) -> None:
    question = page.get_by_label("Question", exact=True)
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(question).to_be_focused()
    question.fill("one")
    page.keyboard.press("Shift+Enter")
    expect(question).to_have_value("one\n")
    expect(page.get_by_role("article")).to_have_count(0)
    ask(page, "What was the gross margin of Harrow in 2023?")
    citation, other = page.locator(".citation").first, page.locator(".citation").last
    citation.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".page-mark")).to_have_count(1)
    expect(page.get_by_role("button", name="Close the page")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("img", name=f"{DRAWN}, page 5")).to_be_visible()
    citation.focus()
    page.keyboard.press("ArrowDown")
    expect(other).to_be_focused()
    expect(page.get_by_role("dialog")).to_contain_text("Cost of sales")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_theme_stays_as_it_was_chosen(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    button = page.get_by_role("button", name="Theme")
    button.click()
    light = page.evaluate(ground)
    button.click()
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    expect(button).to_have_accessible_name("Theme: dark. Change it")
    button.click()
    assert page.evaluate("document.documentElement.dataset.theme ?? ''") == ""


def test_an_empty_store_leads_to_the_documents(browser: Browser, tmp_path: Path) -> None:
    world = World(tmp_path)
    with (
        served(create_app(lambda: nullcontext(world))) as port,
        opened(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        page.get_by_role("link", name="Add filings").click()
        expect(page).to_have_url(re.compile("#/documents"))


@pytest.mark.parametrize("look", [{}, {**PHONE, **DARK}], ids=["wide light", "narrow dark"])
def test_no_view_has_a_serious_fault_of_accessibility(
    browser: Browser, url: str, look: dict[str, Any]
) -> None:
    query = FIGURE.replace(" ", "+").replace("?", "%3F")
    with opened(browser, f"{url}#/ask?q={query}", **look) as page:
        expect(page.locator(".citation")).to_be_visible()
        page.get_by_text("How this was found").click()
        page.get_by_text("Passages read").click()
        assert_accessible(page)
        page.locator(".citation").click()
        expect(page.locator(".page-mark")).to_have_count(1)
        assert_accessible(page)
        page.keyboard.press("Escape")
        page.goto(f"{url}#/search?q={query}&explain=1")
        expect(page.locator(".passage .scores").first).to_be_visible()
        page.get_by_text("Stages", exact=True).first.click()
        assert_accessible(page)
        page.goto(f"{url}#/compare?q={query}&a=r0001&b=r0002")
        expect(page.locator(".side .passage").first).to_be_visible()
        assert_accessible(page)
        page.goto(f"{url}#/ask")
        expect(page.get_by_role("group", name="Examples")).to_be_visible()
        assert_accessible(page)


def test_nothing_is_wider_than_the_window(page: Page, url: str) -> None:
    ends = {"ask": ".answer-tools button", "search": ".passage", "compare": ".side"}
    for view, end in ends.items():
        page.goto(f"{url}#/{view}?q=net+sales+of+Harrow+in+2023&a=r0001&b=r0002")
        expect(page.locator(end).first).to_be_visible()
        for width in (390, 768, 1280, 1600):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                view,
                width,
            )
