# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The messages that the recovery guide explains are those that the collection prints."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

_PAGE = (COLLECTION / "docs" / "guides" / "recovery.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
_PRINTED = [*sorted(COLLECTION.glob("plugins/**/*.py")), *sorted(COLLECTION.glob("roles/**/*.yml"))]
# A string of Python that goes on in the next line.
_CONTINUED = re.compile(r'"\s*\n\s*f?"')
_SOURCES = _CONTINUED.sub("", "\n".join(path.read_text(encoding="utf-8") for path in _PRINTED))
MESSAGES = _ROW.findall(_PAGE.partition("## Messages")[2])


def test_the_guide_explains_messages() -> None:
    assert len(MESSAGES) >= 12


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_is_explained_is_one_that_is_printed(message: str) -> None:
    """What differs from case to case is … on the page."""
    fragments = [fragment.strip() for fragment in message.split("…") if fragment.strip()]
    assert fragments
    assert [fragment for fragment in fragments if fragment not in _SOURCES] == []
