# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings are told apart by their objects, and keys are masked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding, masked


def test_a_finding_is_told_from_another_by_its_rule_and_object() -> None:
    assert Finding("invalid_indexes", "warning", "public.x", "what", "remedy").key == "invalid_indexes public.x"
    assert Finding("of_my_own", "error", "", "what", "remedy").key == "of_my_own"


def test_an_error_blocks_unless_it_is_waived() -> None:
    assert Finding("r", "error", "s", "what", "remedy").blocks
    assert not Finding("r", "error", "s", "what", "remedy", waived="known").blocks
    assert not Finding("r", "warning", "s", "what", "remedy").blocks


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (42, "42"),
        ([42], "42"),
        ("anna@example.org", "a…(16)"),
        ("", "…(0)"),
        ([1, "anna", None, True, 2.5], "(1, a…(4), null, true, 2.5)"),
        ([["anna", "bert"]], "(a…(4), b…(4))"),
        ({"ctid": "(0,1)"}, "row (0,1)"),
        ([{"name": "anna"}], "{…}(1)"),
        (None, "null"),
    ],
)
def test_of_a_key_numbers_are_shown_and_of_a_text_its_first_character_and_its_length(key: Any, shown: str) -> None:
    assert masked(key) == shown
