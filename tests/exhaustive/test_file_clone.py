# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of files on a filesystem that shares blocks: the preflight chooses it by itself, and it takes no room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cloning_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    SMALL,
    Database,
    failed,
    fenced,
    request,
    write_set,
)

import pgserver

_MEGABYTE = 1 << 20


def test_a_clone_is_chosen_where_files_share_blocks_and_its_rollback_takes_renames_alone(
    backup_root: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with cloning_disk.mounted(2) as disk:
        if disk is None:
            figure("clone: not tried, for want of root, a loop device or xfsprogs")
            return
        server = pgserver.start(tmp_path / "server", major=18, fsync=False)
        try:
            server.psql(f"CREATE TABLESPACE cloning LOCATION '{disk}'")
            _clone(server, disk, backup_root, tmp_path, figure)
        finally:
            server.destroy()


def _clone(
    server: pgserver.Server, disk: Path, backup_root: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    server.psql("CREATE DATABASE app TABLESPACE cloning")
    server.psql(SMALL, "app")
    server.psql("CREATE TABLE big AS SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 300000) AS i", "app")
    database = Database(server, "app")
    facts = look(database, backup_root, fence="auto").facts
    assert (facts.fence, facts.closed_copy.cloned) == (COPIED, True)
    database.sql("CREATE TABLE elsewhere (id integer) TABLESPACE pg_default")
    assert not look(database, backup_root, fence="auto").facts.closed_copy.cloned
    database.sql("DROP TABLE elsewhere")
    taken = fenced(database, backup_root, facts.fence, "auto")
    database.sql("INSERT INTO customers (name) VALUES ('since')")
    before, free = database.fingerprint(), shutil.disk_usage(disk).free
    outcome = failed(request(database, taken, write_set(tmp_path / "set", BROKEN))).outcome
    assert outcome.rollback is not None
    assert outcome.rollback.method == "file_copy"
    assert database.fingerprint() == before
    used = (free - shutil.disk_usage(disk).free) / _MEGABYTE
    size = int(database.admin("SELECT pg_database_size('app')")) / _MEGABYTE
    assert used < size / 2
    figure(f"clone of {size:.0f} MB: closed {outcome.seconds_closed:.2f} s in all, {used:.0f} MB of disk")
