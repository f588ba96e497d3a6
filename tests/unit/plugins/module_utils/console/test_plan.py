# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is pending. A tick only for what was done."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.console import plan as console
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import Plan
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    ticked,
)


def test_a_plan_without_anything_to_do_says_so() -> None:
    (line,) = console.plan(Plan("d" * 64, ["a.sql"], [], [], 0))
    told = f"all of the migration set was applied and verified before (1 step, digest {'d' * 16}...)"
    assert line == f"[✓] Nothing is pending: {told}"


def test_a_plan_tells_what_is_pending_from_what_was_applied_and_from_a_baseline() -> None:
    found = Plan("d" * 64, ["1.sql", "2.sql", "3.sql"], ["3.sql"], ["2.sql"], 0)
    assert console.plan(found) == [
        "[✓] Applied before: 1 of 3 files",
        "[ ] Baseline, recorded as applied and not run: 2.sql",
        "[ ] Pending: 3.sql",
    ]


def test_what_is_pending_has_no_tick() -> None:
    assert not ticked(console.plan(Plan("d" * 64, ["a.sql"], ["a.sql"], [], 0)))
