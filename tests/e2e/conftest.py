"""Headless Chromium for the tests of the web page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, expect, sync_playwright


@pytest.fixture(scope="package")  # no longer: its event loop would be in the way of other tests'
def browser() -> Iterator[Browser]:
    named = os.environ.get("RAGLOOP_CHROMIUM")
    chromium = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: set RAGLOOP_CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        expect.set_options(timeout=20_000)
        yield browser
        browser.close()
