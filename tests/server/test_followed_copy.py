# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients write until seconds before the migration; a verified copy follows them, and a rollback loses no write."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.run import Backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import LockNotAvailable, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import equal, follow, log_evidence, standing
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import FOLLOWED, SAMPLED
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import logical
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import following
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.clients import TABLES
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    back_up,
    events,
    failed,
    fenced,
    ours,
    request,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_fence_clients import require_whole, run_among_clients, tell
from ansible_collections.pgsafe.migration.tests.server.test_recover_anywhere import die_and_recover
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

CHECK = "followed_copy"
LIMITS = ("idle_replication_slot_timeout = 1d", "max_slot_wal_keep_size = 1MB")

OTHERS = """
CREATE TABLE nothing (a integer); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE UNLOGGED TABLE cached AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW summed AS SELECT count(*) FROM customers;
"""
WRITTEN_TO = TABLES + OTHERS


def run_of(taken: Backup) -> Journal:
    found = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert found is not None
    return found


def left(database: Database) -> list[str]:
    """What a copy that followed the database has left on the server."""
    server = "SELECT slot_name FROM pg_replication_slots UNION ALL SELECT subname FROM pg_subscription"
    here = "SELECT pubname FROM pg_publication UNION ALL SELECT relname FROM pg_class WHERE relreplident = 'f'"
    return [*database.admin(server).splitlines(), *database.sql(here).splitlines()]


def require_as_before(database: Database) -> None:
    """Open, and nothing of the run is left; a client can update what has no key."""
    assert left(database) == []
    assert database.sql("SELECT relreplident FROM pg_class WHERE relname = 'nothing'") in ("n", "")
    assert ours(database.server, database.name) == set()
    database.sql("CREATE TABLE writable (a integer); INSERT INTO writable VALUES (1); UPDATE writable SET a = 2")
    database.sql("DROP TABLE writable")


@pytest.mark.every_major
@pytest.mark.parametrize("files", [BROKEN, GOOD], ids=["broken", "good"])
def test_no_acknowledged_write_of_any_kind_is_lost(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
) -> None:
    monkeypatch.setattr(log_evidence, "SMALLEST_BYTES", 0)
    database.sql(OTHERS)
    ran = run_among_clients(database, backup_root, write_set(tmp_path / "set", files), FOLLOWED)
    tell(capsys, ran)
    assert ran.outcome.verdict == ("migrated" if files is GOOD else "rolled_back"), ran.outcome.warnings
    log = run_of(ran.taken).log()
    assert any("The write-ahead log show" in line for line in log), log
    require_whole(database, ran)
    assert left(database) == []
    assert database.sql("SELECT relreplident FROM pg_class WHERE relname = 'nothing'") == "n"
    if ran.outcome.rollback:
        assert ran.outcome.rollback.method == "verified_copy"
        assert ran.outcome.writes_since_backup == 0


def in_the_copy(database: Database, taken: Backup, sql: str) -> None:
    database.called(names.beside(database.name, "ready", taken.run_id)).sql(sql)


def change_the_schema(database: Database, _taken: Backup) -> None:
    database.sql("ALTER TABLE empty_one ADD b integer; INSERT INTO empty_one VALUES (1, 2); SELECT lo_create(4711)")


def collide(database: Database, taken: Backup) -> None:
    in_the_copy(database, taken, "INSERT INTO keyed VALUES (1, 1)")
    database.sql("INSERT INTO keyed VALUES (1, 1)")
    enabled = "SELECT count(*) FROM pg_subscription WHERE subenabled"
    until(lambda: database.admin(enabled) == "0", "the subscription has ended at its error")


def alter_the_copy(database: Database, taken: Backup) -> None:
    in_the_copy(database, taken, "UPDATE customers SET name = 'another' WHERE id = 7")


def fill_the_disk(database: Database, taken: Backup) -> None:
    with pytest.MonkeyPatch.context() as patch, session(database.target.maintenance) as server:
        patch.setattr(follow, "_LEAST_FREE_BYTES", 1 << 62)
        begun = run_of(taken).last(Event.SLOTTING)
        assert begun is not None
        patch.setitem(begun.facts, "free_bytes", 1 << 62)
        patch.setattr(Journal, "last", lambda _journal, _event: begun)
        assert follow.endangers_disk(server, run_of(taken), taken.manifest.identity)


@pytest.mark.parametrize(
    ("meanwhile", "limit", "told"),
    [
        (change_the_schema, 60.0, "The schema of .* changed since its backup.*4711"),
        (collide, 60.0, "has stopped following: a change could not be applied"),
        (alter_the_copy, 60.0, "is not equal to it: table public.customers has other content in its 60 rows"),
        (fill_the_disk, 60.0, "cannot follow any more: the replication slot .* is gone"),
        (alter_the_copy, 0.0, "were not proven equal within 0 s"),
    ],
    ids=["schema", "error", "content", "disk", "limit"],
)
def test_a_copy_that_cannot_be_proven_equal_refuses_the_run_and_nothing_is_left(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    meanwhile: Callable[[Database, Backup], None],
    limit: float,
    told: str,
) -> None:
    database.sql(WRITTEN_TO)
    taken = fenced(database, backup_root, FOLLOWED)
    meanwhile(database, taken)
    before = follow.as_before(database.fingerprint(), run_of(taken))
    with pytest.raises(Refused, match=told):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD), copy_timeout=limit))
    assert "armed" not in events(taken.directory)
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    assert database.fingerprint() == before
    require_as_before(database)


def test_the_limit_ends_the_read_only_stage_also_while_a_subscription_cannot_be_dropped(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients write from then on, though the undo waits, too: nothing but the limit ends any waiting here."""
    taken = fenced(database, backup_root, FOLLOWED)
    monkeypatch.setitem(follow.SETTINGS, "lock_timeout", "0")
    wanted = request(database, taken, write_set(tmp_path / "set", GOOD), copy_timeout=1.0)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'pg_subscription'::regclass AND NOT granted"
    with ThreadPoolExecutor(1) as pool, database.called("postgres").holding("LOCK TABLE pg_subscription IN SHARE MODE"):
        running = pool.submit(migrate.run, wanted)
        until(lambda: database.sql(waiting) == "1" or running.done(), "the subscription is being dropped")
        until(lambda: database.sql("SHOW default_transaction_read_only") == "off", "clients can write")
        assert not running.done()
        assert left(database) != []
        database.sql("INSERT INTO empty_one VALUES (1)")
    with pytest.raises(Refused, match="were not proven equal within 1 s"):
        running.result()
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    assert database.sql("SELECT a FROM empty_one") == "1"
    require_as_before(database)


def test_a_copy_that_comes_no_closer_refuses_the_run_and_nothing_is_left(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However steadily it follows: no pass is short enough here, and none is shorter than the others for long."""
    taken = fenced(database, backup_root, FOLLOWED)
    monkeypatch.setattr(follow, "_CLOSE_SECONDS", 0.0)
    monkeypatch.setattr(follow, "_GAINLESS_SECONDS", 0.5)
    with pytest.raises(Refused, match="does not catch up: clients write as much as it can apply"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)


def test_a_transaction_that_stays_open_refuses_the_backup_by_its_name(database: Database, backup_root: Path) -> None:
    raised = fence.run(requests.fence(database.target, backup_root, FOLLOWED))
    insert = "INSERT INTO customers (name) VALUES ('')"
    with database.holding(insert) as holder:
        pid = holder.info.backend_pid
        with pytest.raises(Refused) as caught:
            back_up(database, backup_root, lock_timeout=1, run_id=raised.run_id)
    assert f"pid {pid} (postgres in {database.name}" in caught.value.what
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)


def test_a_table_that_a_client_keeps_locked_is_given_back_when_it_is_free(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.sql(WRITTEN_TO)
    taken = fenced(database, backup_root, FOLLOWED)
    monkeypatch.setattr(logical, "_LOCK_PATIENCE_SECONDS", 0.1)
    with database.holding("SELECT FROM keyless") as holder:
        pid = holder.info.backend_pid
        with pytest.raises(LockNotAvailable) as caught:
            recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    assert f"public.keyless cannot be changed: other sessions lock the table: pid {pid} (" in caught.value.what
    identities = "SELECT relname FROM pg_class WHERE relreplident = 'f' ORDER BY 1"
    # Nothing keeps the log, and clients can write: the rest is for the next look of the watchdog.
    assert [name for name in left(database) if name not in database.sql(identities).split()] == []
    database.sql("UPDATE keyless SET older = true")
    assert run_of(taken).state.fenced
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)


def test_a_client_that_writes_behind_the_comparison_refuses_the_run(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = fenced(database, backup_root, FOLLOWED)

    def prove(*arguments: Any, original: Any = equal.prove) -> equal.Equal:
        found: equal.Equal = original(*arguments)
        database.sql("BEGIN READ WRITE; INSERT INTO empty_one VALUES (1); COMMIT")
        return found

    monkeypatch.setattr(equal, "prove", prove)
    with pytest.raises(Refused, match=r"in spite of the read-only fence.*1 rows were written"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    assert database.sql("SELECT a FROM empty_one") == "1"
    require_as_before(database)


def test_a_difference_that_comes_after_the_first_reading_is_found(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However closely the backup was read."""
    monkeypatch.setattr(log_evidence, "SMALLEST_BYTES", 0)
    raised = fence.run(requests.fence(database.target, backup_root, FOLLOWED, reason="a test"))
    taken = backup.run(requests.backup(database.target, backup_root, run_id=raised.run_id, fingerprint=SAMPLED))
    verify.run(requests.verify(database.target, taken.directory, proof="verified_copy"))

    def read_only(*arguments: Any, original: Any = fence.read_only) -> int:
        alter_the_copy(database, taken)
        ended: int = original(*arguments)
        return ended

    monkeypatch.setattr(fence, "read_only", read_only)
    with pytest.raises(Refused, match=r"is not equal to it: table public\.customers has other content in its 60 rows"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    (told,) = (line for line in run_of(taken).log() if "blocks left to read while writes were stopped" in line)
    assert "customers" not in told
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)


def test_what_replication_does_not_carry_is_carried_over(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written to after the snapshot of the backup: unlogged rows, a sequence, what a materialized view is made of."""
    monkeypatch.setattr(log_evidence, "SMALLEST_BYTES", 0)
    database.sql(f"{OTHERS} CREATE SEQUENCE counted; CREATE UNLOGGED TABLE emptied AS SELECT 1 AS a")
    taken = fenced(database, backup_root, FOLLOWED)
    database.sql("INSERT INTO cached SELECT generate_series(2, 5); TRUNCATE emptied; SELECT nextval('counted')")
    database.sql("INSERT INTO customers (name) VALUES ('late'); REFRESH MATERIALIZED VIEW summed")
    unlogged = "(SELECT sum(a) FROM cached), (SELECT count(*) FROM emptied)"
    look_at = f"SELECT {unlogged}, last_value, count FROM counted, summed"
    before = database.sql(look_at)
    assert before == "15|0|1|61"
    failure = failed(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    done = failure.outcome.rollback
    assert done is not None, str(failure)
    assert done.method == "verified_copy"
    assert database.sql(look_at) == before
    assert left(database) == []


@pytest.mark.parametrize("touch", ["SELECT lo_put(4711, 0, 'b')", "SELECT lo_unlink(4711)"], ids=["written", "gone"])
def test_a_large_object_that_clients_touch_refuses_the_run(
    database: Database, backup_root: Path, tmp_path: Path, touch: str
) -> None:
    database.sql("SELECT lo_from_bytea(4711, 'a')")
    taken = fenced(database, backup_root, FOLLOWED)
    database.sql(touch)
    with pytest.raises(Refused, match="arge object"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)


def test_without_its_copy_the_archive_is_restored_and_what_that_loses_is_said(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(WRITTEN_TO)
    before = database.fingerprint()
    taken = fenced(database, backup_root, FOLLOWED)
    assert standing.access(run_of(taken)) == standing.OPEN
    database.sql("INSERT INTO keyless VALUES (1, 1)")
    copy = names.beside(database.name, "ready", taken.run_id)
    # As an administrator might, who takes it for a forgotten database.
    drop = f"DROP DATABASE {copy} WITH (FORCE)"
    argv = (str(database.server.bin_dir / "psql"), "-X", "-c", "DROP TABLE orders", "-c", drop, "-c", "SELECT 1 / 0")
    failure = failed(replace(request(database, taken, tmp_path), source=SetSource(command=argv)))
    done = failure.outcome.rollback
    assert done is not None, str(failure)
    assert (failure.outcome.verdict, done.method) == ("rolled_back", "archive")
    lost = f"What clients wrote between the backup and the closing of the database is in {done.kept} only."
    assert lost in failure.outcome.warnings
    assert database.fingerprint() == before
    assert left(database) == []
    with pytest.raises(Refused, match="rolled back before, to the copy that had followed it"):
        restore.run(requests.restore(database.target, taken.directory))


def run_dies(database: Database, clone: Callable[[str], Database], tmp_path: Path, first: str, every: int) -> None:
    died = die_and_recover(database, clone, tmp_path, GOOD, (FOLLOWED, "verified_copy"), first, every)
    assert {"journal: subscribing", "journal: reading_only", "journal: equal", "journal: unfollowed"} <= set(died)


def rollback_dies(database: Database, clone: Callable[[str], Database], tmp_path: Path, every: int) -> None:
    died = die_and_recover(database, clone, tmp_path, BROKEN, (FOLLOWED, "verified_copy"), "failed", every)
    assert "program: pg_restore" not in died


@pytest.mark.long
def test_a_run_that_dies_behind_a_step_leaves_nothing_of_its_replication(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    run_dies(database, clone, tmp_path, "publishing", every=12)


def test_a_rollback_to_a_copy_that_followed_the_database_is_finished_when_it_dies_behind_a_step(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    rollback_dies(database, clone, tmp_path, every=12)


UNFIT = """
CREATE TABLE unsearchable (a json);
CREATE TABLE searched AS SELECT 1 AS a FROM generate_series(1, 100000);
CREATE UNLOGGED TABLE cached AS SELECT 1 AS a FROM generate_series(1, 1000);
CREATE TABLE identified (a integer NOT NULL); CREATE UNIQUE INDEX identity ON identified (a);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identity; DROP INDEX identity;
CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER always BEFORE INSERT ON empty_one FOR EACH ROW EXECUTE FUNCTION fired();
ALTER TABLE empty_one ENABLE ALWAYS TRIGGER always
"""


def test_what_a_copy_cannot_follow_is_refused_beforehand(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of(look(database, backup_root, fence=FOLLOWED), CHECK) == []
    database.sql(UNFIT)
    database.sql("UPDATE searched SET a = 2; SELECT pg_stat_force_next_flush()")
    monkeypatch.setattr(following, "_MOST_UNLOGGED_BYTES", 1000)
    monkeypatch.setattr(following, "_MOST_SEARCHING", 1e-6)
    found = of(look(database, backup_root, fence=FOLLOWED, proof="temporary_instance"), CHECK)
    told = [
        "would fire in the copy too: public.empty_one",
        "unlogged tables of ",
        "the index that is the replica identity of public.identified is missing or invalid",
        "public.searched has no key, is ",
        "public.unsearchable has no key, and the type of its a has no equality",
        "would not be proven beside it (proof: temporary_instance)",
    ]
    assert [line for line, problem in zip(told, found) if line not in problem.what] == []
    assert [problem.severity for problem in found] == ["error"] * 6
    database.admin("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
    plain = replace(database.target, params={**database.target.params, "user": "plain"})
    assert "the role plain is no superuser" in only(look(database, backup_root, plain, fence=FOLLOWED), CHECK).what


def test_an_old_server_a_standby_and_a_log_without_bounds_are_refused_beforehand(
    database: Database, backup_root: Path
) -> None:
    facts = look(database, backup_root, fence=FOLLOWED).facts
    unseen, full = (replace(facts.wal.filesystem, free_bytes=free) for free in (None, 1))
    cases = {
        "PostgreSQL 14.11 is older than 15": replace(facts, server_version=140011, server_version_text="14.11"),
        "the server is a standby, which publishes nothing": replace(facts, standby=True),
        "nothing would limit the log": replace(facts, wal=replace(facts.wal, filesystem=unseen, slot_bytes=None)),
        "has 1B free, and its slot keeps": replace(facts, wal=replace(facts.wal, filesystem=full)),
    }
    with session(database.target, purpose="preflight") as reader:
        assert following.look(reader, facts, 2, 60.0) == ()
        for told, given in cases.items():
            (obstacle,) = following.look(reader, given, 2, 60.0)
            assert told in obstacle.what
            assert obstacle.severity == "error"
            assert obstacle.remedy


def test_a_server_that_cannot_follow_itself_is_refused_with_the_setting(
    server: pgserver.Server, backup_root: Path
) -> None:
    settings = "wal_level = replica\nmax_replication_slots = 0\nmax_wal_senders = 0\n"
    with server_of_its_own(server, settings + "max_logical_replication_workers = 0\n") as database:
        assert "wal_level is replica" in only(look(database, backup_root, fence=FOLLOWED), CHECK).what
        restart(database, "wal_level = logical")
        at_once = replace(requests.THRESHOLDS, copy_timeout=0.0)
        *found, slow = of(look(database, backup_root, fence=FOLLOWED, thresholds=at_once), CHECK)
        assert "is given up after" in slow.what
        assert slow.what.endswith("free replication slots: 0, needed: 2 (max_replication_slots).")
        used = ["max_replication_slots", "max_wal_senders", "max_logical_replication_workers"]
        assert [problem.what.partition(": ")[2] for problem in found] == [f"all of {name} are in use." for name in used]
        restart(database, *[f"{name} = 8" for name in used], "listen_addresses = '127.0.0.1'", *LIMITS)
        restart(database, "max_replication_slots = 1")
        *_workers, slow = of(look(database, backup_root, fence=FOLLOWED, thresholds=at_once), CHECK)
        assert "free replication slots: 1, needed: 2" in slow.what
        restart(database, "max_replication_slots = 8")
        rules = database.server.data_dir / "pg_hba.conf"
        rules.write_text(f"local {database.name} all reject\n{rules.read_text()}")
        database.admin("SELECT pg_reload_conf()")
        over_tcp = database.over_tcp(database.server.password)
        idle, kept, problem = of(look(database, backup_root, over_tcp, fence=FOLLOWED), CHECK)
        assert "idle_replication_slot_timeout is 86400s, and its slot is idle" in idle.what
        assert "max_slot_wal_keep_size is 1.0M, and the proof alone writes" in kept.what
        assert "The server cannot connect to its own database app without a password: as postgres at" in problem.what
        assert "peer or trust" in problem.remedy


def restart(database: Database, *settings: str) -> None:
    with (database.server.data_dir / "postgresql.conf").open("a") as configuration:
        configuration.write("\n".join(settings) + "\n")
    database.server.stop()
    database.server.start()
