# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of a fleet report in Chromium: by keyboard, on a phone, and without an error on its console.

Driven by the WebDriver protocol. Without chromedriver (Debian: chromium-driver) these tests fail and say so.
"""

from __future__ import annotations

import base64
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

    def value(self, expression: str, *arguments: Any) -> Any:
        return self.post("/execute/sync", script=f"return {expression.strip()}", args=list(arguments))

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


# What the rows are sorted by in a column, in their order on the page; null for what is not known.
_KEYS = """
[...document.querySelectorAll('.fleet tbody tr')].map((row) => row.cells[%d].dataset)
  .map((found) => ("number" in found ? (found.number === "" ? null : Number(found.number)) : found.key))
"""
# By name as people order names, or by number.
_ORDERED = """
[...arguments[0]].sort((one, other) => (typeof one === "number" ? one - other
  : one.localeCompare(other, undefined, { numeric: true })))
"""
_SORTED = "document.querySelector('.fleet th[aria-sort]').getAttribute('aria-sort')"


def test_every_column_is_sorted_by_the_keyboard_both_ways(browser: Browser, tmp_path: Path) -> None:
    show(browser, tmp_path, fleet_samples.sample())
    assert browser.hosts == ["1", "2", "3", "4"]
    headings = browser.value("[...document.querySelectorAll('.fleet thead button')].map((one) => one.textContent)")
    assert len(headings) > 8
    for column, heading in enumerate(headings):
        browser.tab_to(heading)
        for key, direction in ((ENTER, "ascending"), (SPACE, "descending")):
            browser.press(key)
            assert browser.value(_SORTED) == direction
            found = browser.value(_KEYS % column)
            known = [one for one in found if one is not None]
            # What is not known comes last either way.
            assert found[len(known) :] == [None] * (len(found) - len(known)), heading
            assert known[:: 1 if direction == "ascending" else -1] == browser.value(_ORDERED, known), heading
    assert browser.said == []


# The ratio of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio for every text that is shown, and what has less.
_CONTRAST = """
(() => {
  const channels = (color) => color.match(/[0-9.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const shown = [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility()
    && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()));
  const low = [];
  for (const element of shown) {
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const [dark, bright] = [light(style.color), light(behind(element))].sort((one, other) => one - other);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${ratio} ${element.tagName} ${element.textContent.trim()}`);
  }
  return { seen: shown.length, low };
})()
"""


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_aa(browser: Browser, tmp_path: Path, scheme: str, media: str) -> None:
    asked = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.chrome("Emulation.setEmulatedMedia", media=media, features=asked)
    show(browser, tmp_path, fleet_samples.sample())
    found = browser.value(_CONTRAST)
    assert found["seen"] > 100
    assert found["low"] == []
    # Paper is white, whatever the screen is.
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    dark = scheme == "dark" and media == "screen"
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == dark, ground


def test_on_paper_the_page_is_as_wide_as_the_paper(browser: Browser, tmp_path: Path) -> None:
    browser.chrome("Emulation.setEmulatedMedia", media="print", features=[])
    # A4 on its side at 96 dots an inch, without the margins.
    browser.chrome("Emulation.setDeviceMetricsOverride", width=1016, height=688, deviceScaleFactor=1, mobile=False)
    show(browser, tmp_path, fleet_samples.sample())
    assert browser.value("document.documentElement.scrollWidth") <= 1016
    pages = browser.post("/print", page={"width": 29.7, "height": 21.0})
    assert base64.b64decode(pages).startswith(b"%PDF-")


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
