"""Pictures of the page for the documentation: ``python docs/screenshots.py [ADDRESS] [--dark]``.

Of a service on the demo's home (`make demo`, `make serve`), into docs/images. Needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
QUESTION = "What was Pellworth Craft's cash returned as dividends in 2023?"
_SIZE = 1280, 800


def ask(page: Page) -> None:
    page.get_by_label("Question").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="page 13").first.click()
    page.get_by_role("img", name="page 13").wait_for()


def search(page: Page) -> None:
    page.goto(
        f"{page.url.split('#')[0]}#/search?q=Aldercourt%20capital%20expenditure%202023&explain=1"
    )
    page.locator(".passage").first.wait_for()


def compare(page: Page) -> None:
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Compare").click()
    page.locator(".passage").first.wait_for()


def as_it_opens(page: Page) -> None:
    page.locator("main h1").wait_for()


VIEWS: Mapping[str, Callable[[Page], None]] = {
    "ask": ask,
    "search": search,
    "compare": compare,
    "documents": as_it_opens,
    "releases": as_it_opens,
    "improve": as_it_opens,
}


def main(address: str, dark: bool) -> None:
    chromium = os.environ.get("RAGLOOP_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, show in VIEWS.items():
            width, height = _SIZE
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
            )
            page.goto(f"{address}/#/{name}")
            page.wait_for_load_state("networkidle")
            show(page)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(3000)  # pictures are still being put in place
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    main(given[0] if given else "http://127.0.0.1:8000", "--dark" in sys.argv)
