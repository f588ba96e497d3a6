# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the preflight found. A tick only for what was done."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.console import preflight as console
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import Preflight
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    FACTS,
)


def test_the_preflight_lists_every_problem_with_its_remedy() -> None:
    found = Preflight(FACTS, (Problem("x", "error", "It is full.", "Free it."), Problem("y", "info", "So.", "")))
    assert console.preflight(found) == [
        "[✗] Preflight: PostgreSQL 15.18; app: 10G in 7 tables",
        "[info] Estimate: a backup of 8.0G",
        "[info] Predicted for read_only+closed, plus the migration: 1 min 30 s to 2 min 15 s without writes, "
        "about 0.5 s without service (the last backup)",
        "[info] Instead, for closed+copied: about 4.5 s without writes and without service (assumed rates)",
        "[error] It is full. Free it.",
        "[info] So.",
    ]
