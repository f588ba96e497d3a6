# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables that clients truncate all the time: read first, of the one snapshot, and free while pg_dump goes on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import METHODS
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    backups_in,
    by_archive,
    by_script,
    differences,
    dump,
    in_progress,
    is_read,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, backends, until
from ansible_collections.pgsafe.migration.tests.server.test_backup_clients import whole
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

# Referenced by nothing that is not volatile; used by a view, a function with a body of SQL, and a materialized view.
QUEUES = """
CREATE SCHEMA "odd "".$";
CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES customers, job text);
INSERT INTO queue (customer, job) SELECT (SELECT min(id) FROM customers), 'job ' || i FROM generate_series(1, 300) AS i;
CREATE TABLE queue_log (id serial PRIMARY KEY, queue bigint REFERENCES queue);
INSERT INTO queue_log (queue) SELECT id FROM queue;
CREATE TABLE "odd "".$"."St*ge, ""x" (a int, b text) PARTITION BY LIST (a);
CREATE TABLE "odd "".$".one PARTITION OF "odd "".$"."St*ge, ""x" FOR VALUES IN (1);
CREATE TABLE "odd "".$".rest PARTITION OF "odd "".$"."St*ge, ""x" DEFAULT;
INSERT INTO "odd "".$"."St*ge, ""x" SELECT i % 3, 'staged' FROM generate_series(1, 90) AS i;
CREATE VIEW jobs AS SELECT job FROM queue;
CREATE MATERIALIZED VIEW job_count AS SELECT count(*) FROM queue;
SELECT lo_from_bytea(0, 'of a client'), lo_from_bytea(0, convert_to(repeat('long', 100000), 'UTF8'));
CREATE FUNCTION waiting_jobs() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM queue; END;
"""
PATTERNS = ("queue*", 'odd ".$.*')
TRUNCATES = (
    "TRUNCATE queue, queue_log RESTART IDENTITY",
    'TRUNCATE "odd "".$"."St*ge, ""x"',
    "INSERT INTO queue (job) SELECT 'later'",
    "TRUNCATE queue CASCADE",
)
END_COPY = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name ^@ 'pgsafe backup' AND state = 'active' AND query ~ '^COPY'
"""
PATIENT = "SET client_min_messages = error; SET lock_timeout = '10s'"


def _script(database: Database, archive: Path) -> list[str]:
    """What pg_restore makes of an archive, but for its comments, and the random word of its first and last command."""
    argv = [str(database.server.bin_dir / "pg_restore"), "--file=-", str(archive)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith(("--", "\\restrict", "\\unrestrict"))]


@pytest.mark.every_major
def test_a_client_truncates_a_volatile_table_while_pg_dump_goes_on(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(QUEUES + BULK)
    wanted = request(database, backup_root, volatile=PATTERNS)
    single = _script(database, dump(database, tmp_path / "single", "custom"))
    waits = []
    with in_progress(wanted, tmp_path / "tools", "midway") as taking:
        until(lambda: any(backup_root.glob("*/*/queue_log.csv")) or taking.future.done(), "the queues are read")
        for statement in TRUNCATES:
            started = time.monotonic()
            database.sql(f"{PATIENT}; {statement}")
            waits.append(time.monotonic() - started)
        assert not taking.future.done(), taking.future.exception()
        taken = taking.finish()
    print(f"longest wait of a client: {max(waits):.3f} s")
    assert database.sql("SELECT count(*) FROM queue") == "0"
    assert taken.manifest.fingerprint.rows["public.queue"] == 300
    assert taken.manifest.fingerprint.rows['odd ".$.St*ge, "x'] == 90
    assert taken.manifest.warnings == ()
    assert _script(database, taken.directory / "full_backup.dump") == single
    assert whole(database, taken)
    assert differences(taken.manifest, by_script(database, taken)) == ()
    for level in ("checksum", "decode", "restore"):
        found = verify.run(requests.verify(database.target, taken.directory, level))
        assert (found.reached, found.findings) == (level, ())


@pytest.mark.every_major
def test_a_client_that_truncates_a_volatile_table_before_it_is_read_waits_for_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    """All is begun anew, as with any other table: the tables are empty in the snapshot that is taken then."""
    database.sql(QUEUES)
    with in_progress(request(database, backup_root, volatile=PATTERNS), tmp_path / "tools") as taking:
        database.sql(f"{PATIENT}; {TRUNCATES[0]}")
        assert not taking.future.done()
        taken = taking.finish()
    assert any("Begun again" in warning and "queue" in warning for warning in taken.manifest.warnings)
    assert taken.manifest.fingerprint.rows["public.queue"] == 0
    assert whole(database, taken)


@pytest.mark.every_server
def test_the_parts_of_an_archive_are_put_together_whatever_compresses_them(
    database: Database, backup_root: Path, record_property: Callable[[str, object], None]
) -> None:
    """By each method that this pg_dump was built with."""
    database.sql(QUEUES)
    built = [method for method in METHODS if _compresses(database, method)]
    assert {"gzip", "none"} <= set(built)
    for method in built:
        taken = backup.run(request(database, backup_root, volatile=PATTERNS, compress_method=method))
        assert taken.manifest.compression["method"] == method
        found = verify.run(requests.verify(database.target, taken.directory, "restore"))
        assert (found.reached, found.findings) == ("restore", ())
    record_property(f"PostgreSQL {database.server.installation.major}, volatile tables compressed by", ", ".join(built))


def _compresses(database: Database, method: str) -> bool:
    if method in ("gzip", "none"):
        return True
    argv = [str(database.server.bin_dir / "pg_dump"), f"--compress={method}", "--format=custom", "--schema-only"]
    env = {**os.environ, **database.server.environment(), "PGDATABASE": database.name}
    done = subprocess.run(argv, env=env, capture_output=True, check=False)
    return done.returncode == 0


def test_a_part_of_the_archive_that_is_lost_fails_the_backup(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(QUEUES + BULK)
    with in_progress(request(database, backup_root, volatile=PATTERNS), tmp_path / "tools", "midway") as taking:
        until(lambda: is_read(database, backup_root) or taking.future.done(), "the readers are done")
        assert database.sql(END_COPY) == "1"
        error = taking.failure()
    assert "full_backup.dump could not be written" in error.what
    assert "public.bulk" in error.what
    assert backups_in(backup_root) == []
    assert backends(database.server, "pgsafe") == []


@pytest.mark.parametrize(("kind", "apart"), [(fence.BOTH, False), (fence.CLOSED, True)])
def test_behind_a_read_only_fence_volatile_tables_are_read_like_any_others(
    database: Database, backup_root: Path, kind: str, apart: bool
) -> None:
    database.sql(QUEUES)
    raised = fence.run(requests.fence(database.target, backup_root, kind))
    taken = backup.run(request(database, backup_root, run_id=raised.run_id, volatile=PATTERNS))
    fence.lift(database.target, backup_root, raised.run_id)
    assert ("Read first" in (taken.directory / f"migration_{taken.run_id}.log").read_text()) == apart
    assert differences(taken.manifest, by_archive(database, taken)) == ()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE queue ADD COLUMN priority int", "relation public.queue"),
        ("ALTER TABLE queue SET (fillfactor = 70)", "relation public.queue"),
        ("GRANT SELECT ON queue_log TO PUBLIC", "relation public.queue_log"),
        ("DROP TABLE queue_log", "something was dropped"),
        ("TRUNCATE queue CASCADE; CREATE INDEX ON queue (job)", "relation public.queue_job_idx"),
    ],
)
def test_ddl_on_a_volatile_table_fails_the_backup_as_on_any_other(
    database: Database, backup_root: Path, tmp_path: Path, statement: str, told: str
) -> None:
    database.sql(QUEUES + BULK)
    with in_progress(request(database, backup_root, volatile=PATTERNS), tmp_path / "tools", "midway") as taking:
        until(lambda: any(backup_root.glob("*/*/queue_log.csv")) or taking.future.done(), "the queues are read")
        database.sql(f"{PATIENT}; {statement}")
        error = taking.failure()
    assert "DDL ran" in error.what
    assert told in error.what


@pytest.mark.parametrize(
    ("made", "patterns", "told"),
    [
        ("", ("customers",), "public.customers with public.orders"),
        (QUEUES, ("queue",), "public.queue with public.queue_log"),
        ("CREATE TABLE kept (a int); CREATE TABLE hot () INHERITS (kept)", ("hot",), "public.hot with public.kept"),
        ("CREATE TABLE hot (a int); CREATE TABLE kept () INHERITS (hot)", ("hot",), "public.hot with public.kept"),
    ],
)
def test_a_table_that_is_truncated_or_locked_together_with_others_is_refused(
    database: Database, backup_root: Path, made: str, patterns: tuple[str, ...], told: str
) -> None:
    database.sql(made)
    with pytest.raises(Refused) as caught:
        backup.plan(request(database, backup_root, volatile=patterns))
    assert told in caught.value.what
    assert "Name the others" in caught.value.remedy


def test_volatile_tables_that_a_database_does_not_have_are_no_error(database: Database, backup_root: Path) -> None:
    assert backup.run(request(database, backup_root, volatile=("nowhere.*",))).manifest.files
