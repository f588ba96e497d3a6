# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a look at a job says, in the middle of a step that waits for the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import Order
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.progress import Progress
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.tests.server.backup_support import BULK, in_progress, request
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


@contextmanager
def seen(wanted: BackupRequest) -> Iterator[Progress]:
    """Looks at a backup of a run, which the test takes itself."""
    run = journal.of_run(wanted.backup_root, wanted.run_id)
    assert run is not None
    progress = Progress(Order("backup", wanted, str(run.directory), str(run.directory / "job_1"), lease=30.0))
    try:
        yield progress
    finally:
        progress.close()


@pytest.mark.parametrize("method", ["gzip", "none"])
def test_an_archive_is_measured_by_that_of_the_last_backup_where_it_is_of_a_kind(
    database: Database, backup_root: Path, tmp_path: Path, method: str
) -> None:
    database.sql(BULK)
    last = back_up(database, backup_root).manifest
    run_id = fence.run(requests.fence(database.target, backup_root, fence.CLOSED)).run_id
    wanted = replace(request(database, backup_root, compress_method=method), run_id=run_id)
    with (
        in_progress(wanted, tmp_path / "tools", "midway") as taking,
        seen(wanted) as progress,
    ):
        now: Any = progress.look()["now"]
        taking.finish()
    assert now["what"] == "full_backup.dump"
    assert now["done"] > 0
    archive = last.file("dump")
    assert archive is not None
    if method == "none":
        assert now["total"] is None
    else:
        assert 0.8 * archive.size < now["total"] < 1.2 * archive.size
    fence.lift(database.target, backup_root, run_id)
