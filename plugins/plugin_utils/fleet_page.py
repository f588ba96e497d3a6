# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet report as a page: one file that loads nothing, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import fleet_words

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pg_migrate" / "templates" / "fleet_report"

# Nothing is loaded; what the page has of style and script is allowed by its hash.
_POLICY = ("default-src 'none'", "img-src data:", "base-uri 'none'")

# Of longer lists the page has the beginning, and the JSON the rest.
MOST = 200


def html(report: Mapping[str, Any]) -> str:
    style, script = (_part(name) for name in ("page.css", "page.js"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        words=fleet_words,
        most=MOST,
        # Not of a report: the two files beside the template, which are parts of the collection.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy="; ".join([*_POLICY, f"style-src {_source(style)}", f"script-src {_source(script)}"]),
    )


def _part(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """What allows this very text: https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
