# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DDL of others while a backup is taken: the formats never disagree, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import ddl_watch
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    Roles,
    as_role,
    backups_in,
    by_archive,
    connection,
    differences,
    in_progress,
    is_reading,
    new_roles,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

import pgserver

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'changer'"

NOTICED = """
SELECT EXISTS (SELECT FROM pg_stat_activity w, pg_locks l JOIN pg_stat_activity c USING (pid)
 WHERE w.application_name = 'pgsafe watch' AND w.state = 'idle' AND c.application_name = 'changer' AND NOT l.granted
   AND w.query_start > l.waitstart + interval '0.1 s')
"""

# Those of a backup: the one that holds the snapshot, the readers', pg_dump's.
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE application_name ^@ 'pgsafe backup'"


@contextmanager
def queued(database: Database, statement: str) -> Iterator[None]:
    """A statement of somebody's that waits for a lock; it is given up at the end if it still waits."""
    session = connection(database, "changer")
    session.autocommit = True

    def change() -> None:
        with session.cursor() as cursor:
            cursor.execute(statement)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(change)
        try:
            until(lambda: database.sql(WAITING) == "1", f"{statement} waits")
            yield
        finally:
            session.cancel()
            future.exception()
            session.close()


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the backup is noticed sooner than after 5 s."""
    monkeypatch.setattr(ddl_watch, "PATIENCE_SECONDS", 0.1)


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE TABLE newcomer (a integer)", "relation public.newcomer"),
        ("CREATE FUNCTION newcomer() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "function public.newcomer"),
        ("CREATE OR REPLACE VIEW best_customers AS SELECT name, 1::numeric AS spent FROM customers", "best_customers"),
        ("ALTER VIEW best_customers RENAME COLUMN spent TO paid", "relation public.best_customers"),
        ("CREATE INDEX newcomer ON customers (name)", "relation public.newcomer"),
        ("ALTER TYPE mood ADD VALUE 'bored'", "type public.mood"),
        ("COMMENT ON TABLE customers IS 'paying ones'", "changed: table public.customers."),
        ("DROP FUNCTION spare()", "something was dropped"),
    ],
)
def test_ddl_during_a_backup_is_refused_and_named(
    database: Database, backup_root: Path, tmp_path: Path, statement: str, named: str
) -> None:
    database.sql("CREATE TYPE mood AS ENUM ('gay'); CREATE FUNCTION spare() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
        until(lambda: is_reading(backup_root) or taking.future.done(), "tables are read")
        database.sql(statement)
        failure = taking.failure()
    assert isinstance(failure, Refused)
    assert "DDL ran" in failure.what
    assert named in failure.what
    assert "public.orders" not in failure.what
    assert backups_in(backup_root) == []


def test_what_happens_every_day_during_a_backup_is_no_ddl(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
        until(lambda: is_reading(backup_root) or taking.future.done(), "tables are read")
        database.sql("DELETE FROM orders; INSERT INTO empty_one VALUES (1)")
        database.sql("VACUUM ANALYZE")
        database.sql("CREATE TEMPORARY TABLE scrap AS SELECT * FROM customers; DROP TABLE scrap")
        taken = taking.finish()
    assert taken.manifest.fingerprint.rows["public.orders"] == 500
    assert differences(taken.manifest, by_archive(database, taken)) == ()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("attributes", ["SUPERUSER", "IN ROLE pg_read_all_data"])
def test_ddl_that_waits_for_the_backup_is_told_as_a_warning(
    roles: Roles, database: Database, backup_root: Path, tmp_path: Path, attributes: str
) -> None:
    database.sql(BULK)
    target = as_role(database, roles("watcher", attributes))
    wanted = request(database, backup_root, target=target, csv=("bulk", "empty_one"), jobs=1)
    with in_progress(wanted, tmp_path / "tools", "midway") as taking:
        # Whoever has still to read `bulk` would stand behind the statement.
        until(lambda: list(backup_root.glob("*/*/empty_one.csv")) or taking.future.done(), "the CSVs are written")
        until(lambda: database.sql(AT_WORK) == "2" or taking.future.done(), "all is read but by pg_dump")
        with queued(database, "ALTER TABLE bulk ADD COLUMN waited integer"):
            until(lambda: database.sql(NOTICED) == "t", "the watch has looked")
            taken = taking.finish()
    told = [warning for warning in taken.manifest.warnings if "waited for the backup's locks" in warning]
    assert len(told) == 1
    assert "changer" in told[0]


@pytest.mark.usefixtures("impatient")
def test_ddl_that_waits_for_the_backup_ends_it_when_told_so(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(BULK)
    wanted = request(database, backup_root, abort_on_blocked_ddl=True)
    with in_progress(wanted, tmp_path / "tools", "midway") as taking:
        until(lambda: is_reading(backup_root) or taking.future.done(), "tables are read")
        with queued(database, "ALTER TABLE customers ADD COLUMN waited integer"):
            until(taking.future.done, "the backup is given up")
        failure = taking.failure()
    assert "ALTER TABLE customers ADD COLUMN waited integer" in str(failure)
    assert "changer" in str(failure)
    assert backups_in(backup_root) == []
