# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page shows texts and obeys none, loads nothing, and can be read by everyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import fleet_page, fleet_words
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples

# WCAG 2.2, 1.4.3: https://www.w3.org/TR/WCAG22/#contrast-minimum
AA = 4.5
AA_GRAPHICS = 3.0
TEXTS = ("ink", "faint", "link", "well", "ill", "idle")


class Page(HTMLParser):
    """Its elements with their attributes, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_hostile_target_adds_no_element_to_the_page() -> None:
    page = Page(fleet_page.html(fleet_samples.hostile()))
    assert len(page.tags("script")) == 1
    assert [name for _tag, found in page.elements for name in found if name.startswith("on")] == []
    assert "<script>alert(1)</script>]]>" in page.text
    assert not set("\x00\x1b\u202e\u2066\ufffe\udc80") & set(page.text)


def test_the_page_loads_nothing_and_allows_no_other_script_or_style() -> None:
    page = Page(fleet_page.html(fleet_samples.sample()))
    links = [found[name] for _tag, found in page.elements for name in ("src", "href", "action") if name in found]
    assert {(link or "").partition(":")[0][:1] for link in links} == {"d", "#"}
    (policy,) = [found["content"] for found in page.tags("meta") if "http-equiv" in found]
    assert policy is not None
    hashed = r"style-src 'sha256-\S+'; script-src 'sha256-\S+'"
    assert re.fullmatch(rf"default-src 'none'; img-src data:; base-uri 'none'; {hashed}", policy)
    assert [found for _tag, found in page.elements if "style" in found] == []


def test_every_host_has_a_line_and_a_section_that_it_leads_to() -> None:
    report = fleet_samples.sample()
    page = Page(fleet_page.html(report))
    targets = [(found["href"] or "")[1:] for found in page.tags("a")]
    assert len(targets) == len(report["hosts"])
    assert set(targets) <= {found.get("id") for found in page.tags("h2")}


def test_a_long_list_ends_with_a_word_about_the_rest() -> None:
    report = fleet_samples.sample()
    report["hosts"][0]["verification"]["objects"] *= fleet_page.MOST + 7
    assert "… and 7 more, in report.json" in fleet_page.html(report)


def test_in_check_mode_the_page_says_that_nothing_was_changed() -> None:
    assert "Check mode: nothing was changed." in fleet_page.html({**fleet_samples.sample(), "check_mode": True})


def _themes() -> Iterator[tuple[str, dict[str, str]]]:
    style = (fleet_page.TEMPLATES / "page.css").read_text(encoding="utf-8")
    for name, block in zip(("light", "dark"), re.findall(r":root \{(.*?)\}", style, re.DOTALL)):
        yield name, dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))


def _luminance(color: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("theme", "colors"), list(_themes()))
def test_texts_and_bars_have_the_contrast_of_level_aa(theme: str, colors: dict[str, str]) -> None:
    pairs = [(text, ground) for text in TEXTS for ground in ("paper", "sheet")]
    texts = {f"{text} on {ground}": _contrast(colors[text], colors[ground]) for text, ground in pairs}
    bars = {name: _contrast(colors[name], colors["rail"]) for name in ("bar", "ill")}
    assert {pair: ratio for pair, ratio in texts.items() if ratio < AA} == {}
    assert {pair: ratio for pair, ratio in bars.items() if ratio < AA_GRAPHICS} == {}


def test_every_column_can_be_sorted_by_a_number_or_a_text() -> None:
    page = Page(fleet_page.html(fleet_samples.sample()))
    cells = [found for tag, found in page.elements if tag in ("td", "th") and "data-heading" in found]
    assert len(cells) == len(fleet_words.HEADINGS) * len(fleet_samples.sample()["hosts"])
    assert all(("data-key" in found) != ("data-number" in found) for found in cells)
