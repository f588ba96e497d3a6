# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fingerprint by changed blocks is the whole one, and a run uses it where the server's counters are lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import log_evidence, passes
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import run_session
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import SOURCE
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import parallel
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import cutover, identity, wal
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover, rollback
from ansible_collections.pgsafe.migration.tests.server.block_histories import (
    OPERATIONS,
    crash,
    happen,
    like,
    prepared,
    recorded,
    refreshed,
    restored_schema,
)
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    databases,
    failed,
    proven,
    request,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

NUMBERS = {"i": 100, "j": 250, "k": 1, "few": 7, "new": 12345}
HISTORIES = 4
# What changes no block of a table, and none of pg_largeobject.
UNSEEN = ["SELECT lo_create(900001)", "ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'"]
LARGE = """
DROP TABLE IF EXISTS members;
CREATE TABLE members (id int PRIMARY KEY, name text);
INSERT INTO members SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 50000) AS i;
VACUUM (ANALYZE) members;
"""

FAILING = {"001_fail.sql": "UPDATE members SET name = 'failed' WHERE id < 50;\nSELECT 1 / 0;\n"}


@pytest.fixture(scope="module")
def own(server: pgserver.Server) -> Iterator[Database]:
    with server_of_its_own(server, "max_prepared_transactions = 5\n") as database:
        yield database


@pytest.fixture
def large(own: Database) -> None:
    """Enough content that its log is kept, whatever another test has left there."""
    own.sql(LARGE)


def guarded(database: Database, backup_root: Path) -> journal.Journal:
    """Behind the fence of a run that has a guard."""
    raised = fence.run(requests.fence(database.target, backup_root, idle_timeout=600.0))
    found = journal.of_run(backup_root, raised.run_id)
    assert found is not None
    return found


def left(database: Database) -> tuple[str, set[str]]:
    """Slots, and databases that read the log."""
    slots = database.admin("SELECT count(*) FROM pg_replication_slots")
    return slots, {name for name in databases(database.server) if "__log_" in name}


@pytest.mark.every_major
def test_the_fingerprint_by_changed_blocks_is_the_whole_one(own: Database, tmp_path: Path) -> None:
    prepared(own)
    before = recorded(own, "pgsafe_0", tmp_path / "sums0")
    now, read = refreshed(own, before)
    assert (now, read.blocks, read.whole) == (before.fingerprint, 0, ["public.named", "public.cache"])
    happen(own, ["UPDATE keyed SET n = n + 1 WHERE id = 17"])
    assert 1 <= refreshed(own, before)[1].blocks <= 2
    filled = [operation.format(**NUMBERS) for operation in OPERATIONS]
    histories = [filled[part::HISTORIES] for part in range(HISTORIES)]
    for number, history in enumerate([UNSEEN, *histories], start=1):
        happen(own, history)
        if history is histories[-1]:
            crash(own)
        after = recorded(own, f"pgsafe_{number}", tmp_path / f"sums{number}")
        assert refreshed(own, before)[0] == like(after.fingerprint, before.fingerprint)
        before = after
    own.admin("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


@pytest.mark.every_major
def test_passes_over_a_database_that_is_written_to_end_with_its_whole_content(
    own: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored_schema(own)
    own.sql("CREATE TABLE untouched (id integer)")
    monkeypatch.setattr(log_evidence, "SMALLEST_BYTES", 0)
    monkeypatch.setattr(passes, "_SHORT_SECONDS", 0.0)
    monkeypatch.setattr(passes, "_NO_GAIN", 1e9)
    monkeypatch.setattr(passes, "_SETTLING_SECONDS", 0.2)
    data = [operation for operation in OPERATIONS if not operation.startswith(("ALTER", "CREATE"))]
    histories = [[operation.format(**NUMBERS) for operation in data[part::12]] for part in range(12)]
    # What it writes is in blocks that nothing else changes, and is committed when only the last pass can see it.
    stays_open = own.connect()
    steps = iter([*histories[:5], ["HOLD"], *histories[5:11]])

    def settles(self: Any, mark: Any, original: Any = passes._Passes._settles) -> bool:
        for statement in next(steps, []):
            if statement == "HOLD":
                stays_open.cursor().execute("INSERT INTO untouched VALUES (1)")
            else:
                happen(own, [statement])
        settled: bool = original(self, mark)
        return settled

    monkeypatch.setattr(passes._Passes, "_settles", settles)
    run = journal.new_run(backup_root)
    with session(own.target.maintenance, cutover.DURABLE) as server, session(own.target) as reader:
        mine = identity.read(reader)
        side = passes.Side(own.target, mine.oid, SOURCE, fingerprint.take(reader, SOURCE), run.directory / "sums")
        with passes.prepared(server, [side], run, mine, 1) as read:
            happen(own, histories[11])
            stays_open.commit()
            found = read()[own.name]
        whole = fingerprint.take(reader, SOURCE)
    stays_open.close()
    assert "blocks left to read while writes were stopped" in "\n".join(run.log())
    assert (found.tables, found.large_objects) == (whole.tables, whole.large_objects)
    assert next(steps, None) is None
    assert left(own) == ("0", set())


@pytest.mark.usefixtures("large")
def test_the_log_shows_what_was_written_behind_the_fence_when_the_counters_are_lost(
    own: Database, backup_root: Path, tmp_path: Path
) -> None:
    run = guarded(own, backup_root)
    taken = proven(own, backup_root, run_id=run.run_id)
    own.sql("BEGIN READ WRITE; UPDATE members SET name = 'bypassed' WHERE id = 3; COMMIT")
    crash(own)
    with pytest.raises(Refused, match=r"table public\.members has other content in its 50,000 rows"):
        migrate.run(request(own, taken, write_set(tmp_path / "good", GOOD)))
    assert "blocks changed since the fence; these were read again" in "\n".join(run.log())
    assert left(own) == ("0", set())
    run = guarded(own, backup_root)
    taken = proven(own, backup_root, run_id=run.run_id)
    crash(own)
    failure = failed(request(own, taken, write_set(tmp_path / "bad", FAILING)))
    assert failure.outcome.verdict == "failed_unchanged"
    said = "\n".join(run.log())
    assert "The write-ahead log shows no changed block of a table since the fence" in said
    assert "blocks changed since the fence; these were read again" in said
    assert left(own) == ("0", set())


@pytest.mark.usefixtures("large")
def test_the_log_is_kept_no_longer_than_a_run_and_no_more_of_it_than_the_disk_must_hold(
    own: Database, backup_root: Path
) -> None:
    run = guarded(own, backup_root)
    assert left(own) == ("1", set())
    with session(own.target) as reader:
        # A restore may fill the log that a run keeps for itself.
        assert wal.read(reader).slots == ()
    recover.run(requests.recover(own.target, backup_root, run_id=run.run_id))
    assert left(own) == ("0", set())
    run = guarded(own, backup_root)
    taken = backup.run(requests.backup(own.target, backup_root, run_id=run.run_id))
    own.admin("ALTER SYSTEM SET max_wal_size = '32MB'")
    own.admin("SELECT pg_reload_conf()")
    with parallel.beside(run_session.RunSession(run, own.target).hold):
        own.admin("CREATE TABLE filling AS SELECT repeat(md5(i::text), 20) FROM generate_series(1, 60000) AS i")
        until(lambda: left(own)[0] == "0", "the guard drops the slot")
    assert rollback.differences(own.target, taken.manifest, 1, run) == ()
    assert "so the whole database is read: the replication slot pgsafe_" in "\n".join(run.log())
    fence.undo(own.target, run)
    own.admin("ALTER SYSTEM SET max_replication_slots = 1")
    own.server.stop()
    own.server.start()
    own.admin("SELECT pg_create_physical_replication_slot('of_a_standby')")
    run = guarded(own, backup_root)
    assert rollback.differences(own.target, taken.manifest, 1, run) == ()
    assert "was not kept: free replication slots: 0, needed: 1 (max_replication_slots)" in "\n".join(run.log())
