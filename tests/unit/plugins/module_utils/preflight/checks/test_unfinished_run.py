# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An interrupted run is finished first."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import unfinished_run
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_an_unfinished_run_is_an_error_with_the_command_that_rolls_it_back() -> None:
    directory = "/backups/app/migration_20261116_143022"
    (problem,) = unfinished_run.check(replace(FACTS, unfinished_runs=(directory,)))
    assert problem.severity == "error"
    assert f"-i INVENTORY -l HOST pgsafe.migration.rollback -e pg_migrate_backup_dir={directory} " in problem.remedy
    assert "pg_migrate_decision=mark_resolved" in problem.remedy


def test_a_run_that_somebody_works_on_is_to_be_waited_for() -> None:
    (problem,) = unfinished_run.check(replace(FACTS, runs_at_work=("/backups/app/migration_1",)))
    assert (problem.severity, problem.remedy) == ("error", "Wait for it to end.")


def test_finished_runs_are_no_problem() -> None:
    assert list(unfinished_run.check(FACTS)) == []
