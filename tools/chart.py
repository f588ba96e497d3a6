"""Draw horizontal bars in groups as an SVG picture, without a library."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, LEFT, RIGHT = 860, 250, 90
BAR, GAP, HEAD = 20, 6, 60
COLOURS = ("#1b7837", "#b2182b", "#d6604d", "#878787", "#4393c3")


def bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """A picture with a group of bars each, scaled to the longest bar of its own group."""
    lines: list[str] = []
    top = HEAD
    for group, values in groups.items():
        lines.append(_text(20, top + 14, group, "bold"))
        top += 24
        longest = max(values.values())
        for number, (name, value) in enumerate(values.items()):
            lines += _bar(top, name, value, longest, COLOURS[number % len(COLOURS)])
            top += BAR + GAP
        top += 16
    space = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg {space} font-family="sans-serif" font-size="13">'
    ground = f'<rect width="{WIDTH}" height="{top}" fill="white"/>'
    return "\n".join([head, ground, _text(20, 32, title, "bold", 18), *lines, "</svg>", ""])


def _bar(top: int, name: str, value: float, longest: float, colour: str) -> list[str]:
    width = max(1.0, (WIDTH - LEFT - RIGHT) * value / longest)
    return [
        _text(20, top + 15, name),
        f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
        _text(int(LEFT + width + 6), top + 15, f"{value:.1f}"),
    ]


def _text(x: int, y: int, words: str, weight: str = "normal", size: int = 13) -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" font-size="{size}">{escape(words)}</text>'
