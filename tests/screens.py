# SPDX-License-Identifier: Apache-2.0
"""A real browser in front of the real application, with scripts and without."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.release import release_due

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# Where pictures of the screens go, for the README and for whoever works on their looks.
PICTURES = os.environ.get("WMS_TEST_PICTURES")
HANDHELD, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


# A browser for each module and not for the whole run: while it is open, this thread runs an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("No chromium here: install Debian's package chromium to run the browser tests.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Screen:
    """One device with one person. Scanning types into the field that has the focus and presses Enter."""

    def __init__(self, page: Any, server: str) -> None:
        self.page, self.server = page, server
        self.trouble: list[str] = []
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on(
            "console", lambda message: self.trouble.append(message.text) if "Content Security" in message.text else None
        )

    def go(self, path: str) -> None:
        self.page.goto(self.server + path)

    def log_in(self, person: Any, path: str = "/floor") -> None:
        self.go(path)
        self.page.fill("[name=badge]", person.badge)
        self.page.fill("[name=pin]", person.pin)
        self.press("Log in")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def scan(self, code: str) -> None:
        """Types like a scanner does: into the focused field, and ends with Enter."""
        assert self._has_focus(), "No field has the focus, so a scanner's keys would be lost."
        self.page.keyboard.type(code)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _has_focus(self) -> bool:
        # A browser without scripts gives a field the focus some moments after it has shown the page.
        for _ in range(20):
            if self.page.evaluate("document.activeElement.name"):
                return True
            self.page.wait_for_timeout(100)
        return False

    @property
    def banner(self) -> str:
        found = self.page.locator(".banner")
        return str(found.inner_text()) if found.count() else ""

    @property
    def huge(self) -> str:
        return str(self.page.locator(".huge").first.inner_text()).strip()

    def picture(self, name: str) -> None:
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.fixture
def screen(chromium: Any, server: str) -> Iterator[Callable[..., Screen]]:
    """Opens devices; every page that they show must be without script errors and CSP violations."""
    opened: list[tuple[Any, Screen]] = []

    def open_screen(size: dict[str, int] | None = None, *, scripts: bool = True) -> Screen:
        context = chromium.new_context(viewport=size or HANDHELD, java_script_enabled=scripts)
        one = Screen(context.new_page(), server)
        opened.append((context, one))
        return one

    yield open_screen
    for context, one in opened:
        context.close()
        assert one.trouble == []


@pytest.fixture
def released(house: Any, database: Any) -> Callable[[], None]:
    """Lets every edit window end now."""

    def release() -> None:
        database.rows("UPDATE shipment SET release_at = now() WHERE state = 'held'")
        with transaction(WAREHOUSE) as session:
            release_due(session)

    return release


@pytest.fixture
def worker(sandbox: Any, run_jobs: Callable[..., int]) -> Iterator[None]:
    """Runs due jobs beside the browser, as a worker process does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            run_jobs(may_fail=True)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(timeout=10)
