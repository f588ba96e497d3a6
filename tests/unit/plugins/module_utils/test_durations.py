# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Durations are a number and a unit, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import durations
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "minutes"), [("0", 0), ("90s", 1.5), ("15m", 15), ("24h", 1440), ("2 d", 2880), (60, 1), ("1w", 10080)]
)
def test_a_duration_is_read(text: object, minutes: float) -> None:
    assert durations.read("x", text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "soon", "-1h", "1.5h", "24 hours", "9999999999s", "4000d"])
def test_what_is_none_is_refused_with_the_name_of_its_option(text: str) -> None:
    with pytest.raises(BadRequest, match="keep_copy_for"):
        durations.read("keep_copy_for", text)
