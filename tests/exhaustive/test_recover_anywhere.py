# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Killed behind each step of it in turn, a run leaves what the next one turns into the old or the migrated database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import test_file_copy, test_followed_copy
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.server.test_recover_anywhere import migration_dies, rollback_dies


@pytest.mark.parametrize("proof", ["verified_copy", "scratch"])
def test_a_rollback_that_dies_behind_any_step_is_finished(
    database: Database, clone: Callable[[str], Database], tmp_path: Path, proof: str
) -> None:
    rollback_dies(database, clone, tmp_path, proof, every=1)


def test_a_migration_that_dies_behind_any_step_is_finished_or_undone(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    died = migration_dies(database, clone, tmp_path, "fencing", every=1)
    # The log of the read-only time is kept, and given up, too.
    assert any("pg_create_physical_replication_slot" in step or "pg_drop_replication_slot" in step for step in died)


def test_a_run_that_dies_behind_any_step_around_its_copy_of_files_is_finished_or_undone(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    test_file_copy.copying_dies(database, clone, tmp_path, every=1)


def test_a_rollback_to_a_copy_of_files_that_dies_behind_any_step_is_finished(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    test_file_copy.rollback_dies(database, clone, tmp_path, every=1)


def test_a_run_that_dies_behind_any_step_leaves_nothing_of_its_replication(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    test_followed_copy.run_dies(database, clone, tmp_path, "publishing", every=1)


def test_a_rollback_to_a_copy_that_followed_that_dies_behind_any_step_is_finished(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    test_followed_copy.rollback_dies(database, clone, tmp_path, every=1)
