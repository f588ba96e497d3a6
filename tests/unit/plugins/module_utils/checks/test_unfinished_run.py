# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An interrupted run is finished first."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import unfinished_run
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_an_unfinished_run_is_an_error_with_the_command_that_rolls_it_back() -> None:
    directory = "/backups/app/migration_20261116_143022"
    (problem,) = unfinished_run.check(replace(FACTS, unfinished_runs=(directory,)))
    assert problem.severity == "error"
    assert problem.remedy.endswith(f"pgsafe.migration.rollback -e pg_migrate_backup_dir={directory}")


def test_finished_runs_are_no_problem() -> None:
    assert list(unfinished_run.check(FACTS)) == []
