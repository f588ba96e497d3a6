# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of a fleet report in Chromium: by keyboard, on a phone, and without an error on its console.

Driven by the WebDriver protocol. Without chromedriver (Debian: chromium-driver) these tests fail and say so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import fleet_page
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples

# https://www.w3.org/TR/webdriver2/#keyboard-actions
TAB, ENTER, SPACE = "\ue004", "\ue007", " "

_OPTIONS = {"args": ["--headless", "--no-sandbox", "--disable-gpu"]}
_CAPABILITIES = {"browserName": "chrome", "goog:chromeOptions": _OPTIONS, "goog:loggingPrefs": {"browser": "ALL"}}


@dataclass(frozen=True)
class Browser:
    """:param base: of the session's commands."""

    base: str

    def post(self, command: str, **body: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.base}{command}", data, headers)  # noqa: S310  # http alone
        with urllib.request.urlopen(asked) as answer:  # noqa: S310  # http alone
            return json.load(answer)["value"]

    def value(self, expression: str) -> Any:
        return self.post("/execute/sync", script=f"return {expression}", args=[])

    def press(self, *keys: str) -> None:
        pressed = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": pressed}])

    def chrome(self, command: str, **parameters: Any) -> None:
        self.post("/goog/cdp/execute", cmd=command, params=parameters)

    @property
    def hosts(self) -> list[str]:
        found = self.value("[...document.querySelectorAll('.fleet tbody th')].map((cell) => cell.dataset.key[2])")
        return list(found)

    @property
    def said(self) -> list[Any]:
        """On the console, errors and all else."""
        return list(self.post("/se/log", type="browser"))

    def tab_to(self, text: str) -> None:
        for _stop in range(40):
            self.press(TAB)
            if self.value("document.activeElement.textContent") == text:
                return
        raise AssertionError(f"{text} cannot be reached by the keyboard")


def _port(output: Iterable[str]) -> str:
    for line in output:
        if found := re.search(r"started successfully on port (\d+)", line):
            return found[1]
    raise AssertionError("chromedriver ended without naming its port")


@pytest.fixture(scope="module")
def driver() -> Iterator[str]:
    program = shutil.which("chromedriver")
    assert program, "There is no chromedriver. Debian: apt-get install chromium-driver"
    with subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            yield f"http://127.0.0.1:{_port(running.stdout)}/session"
        finally:
            running.terminate()


@pytest.fixture
def browser(driver: str) -> Iterator[Browser]:
    made = Browser(driver).post("", capabilities={"alwaysMatch": _CAPABILITIES})
    browser = Browser(f"{driver}/{made['sessionId']}")
    try:
        yield browser
    finally:
        closing = urllib.request.Request(browser.base, method="DELETE")  # noqa: S310  # http alone
        urllib.request.urlopen(closing).close()  # noqa: S310  # http alone


def show(browser: Browser, directory: Path, report: dict[str, Any]) -> None:
    page = directory / "report.html"
    page.write_text(fleet_page.html(report), encoding="utf-8")
    browser.post("/url", url=page.as_uri())


def test_every_column_is_sorted_by_the_keyboard_both_ways(browser: Browser, tmp_path: Path) -> None:
    show(browser, tmp_path, fleet_samples.sample())
    assert browser.hosts == ["1", "2", "3", "4"]
    browser.tab_to("Host")
    browser.press(ENTER, SPACE)
    assert browser.hosts == ["4", "3", "2", "1"]
    assert browser.value("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
    browser.tab_to("Duration")
    browser.press(SPACE)
    assert browser.hosts == ["3", "1", "2", "4"]
    browser.press(SPACE)
    assert browser.hosts == ["2", "1", "3", "4"]
    assert browser.said == []


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_no_width_makes_the_page_itself_scroll_aside(browser: Browser, tmp_path: Path, width: int) -> None:
    browser.chrome("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
    for report in (fleet_samples.sample(), fleet_samples.hostile()):
        show(browser, tmp_path, report)
        assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.said == []


def test_a_hostile_report_runs_no_script_and_loads_nothing(browser: Browser, tmp_path: Path) -> None:
    show(browser, tmp_path, fleet_samples.hostile())
    assert browser.value("performance.getEntriesByType('resource').length") == 0
    assert browser.value("document.scripts.length") == 1
    assert browser.said == []
