# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests on servers share: databases with something in them, backups and runs of them, and waiting."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog import facts as catalog
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import login_triggers
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

TREE = Path(__file__).resolve().parents[2]
EXAMPLES = TREE / "examples"
EXAMPLE = EXAMPLES / "community_connect"
PATIENCE_SECONDS = 180.0

SMALL = """
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, note text, born date DEFAULT 'infinity');
INSERT INTO customers (name, note)
SELECT 'name ' || i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'two\\nlines, "quoted"' ELSE '\\.' END
  FROM generate_series(1, 60) AS i;
CREATE TABLE orders (
    id bigint NOT NULL, customer_id bigint NOT NULL REFERENCES customers, placed date NOT NULL, amount numeric(10, 2),
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED, PRIMARY KEY (id, placed)
) PARTITION BY RANGE (placed);
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO orders (id, customer_id, placed, amount)
SELECT i, 1 + i % 60, date '2025-01-01' + i, i * 1.25 FROM generate_series(1, 500) AS i;
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd ""T"" x" ("a column" serial, "b=c" jsonb, "d" bytea);
INSERT INTO "Odd Schema"."Odd ""T"" x" ("b=c", "d") VALUES ('{"k": [1, 2]}', '\\x00ff'), (NULL, '');
CREATE TABLE empty_one (a integer);
CREATE FUNCTION spent(bigint) RETURNS numeric STABLE LANGUAGE sql
    AS 'SELECT coalesce(sum(amount), 0) FROM public.orders WHERE customer_id = $1';
CREATE VIEW best_customers AS SELECT name, public.spent(id) AS spent FROM customers;
"""

GOOD = {
    "001_add.sql": "ALTER TABLE customers ADD COLUMN grade integer NOT NULL DEFAULT 1;\n",
    "002_fill.sql": "UPDATE customers SET grade = 2 WHERE id % 2 = 0;\n",
    "003_index.sql": "-- pgsafe: no-transaction\nCREATE INDEX CONCURRENTLY customers_grade ON customers (grade);\n",
}
SLEEPING = """
SELECT count(*) FROM pg_stat_activity
 WHERE (datname = '{0}' OR datname ^@ '{0}__pgsafe_') AND query ~ 'pg_sleep' AND state = 'active'
"""
"""Asked in the maintenance database: how many sessions of a database, fenced or not, wait in a pg_sleep()."""
BROKEN = {**GOOD, "004_break.sql": "DELETE FROM orders;\nSELECT 1 / 0;\n"}


@dataclass(frozen=True)
class Database:
    """One database of a test, reached through the server's unix socket as its superuser."""

    server: pgserver.Server
    name: str

    @property
    def target(self) -> Target:
        params = {"host": str(self.server.socket_dir), "port": str(self.server.port), "user": pgserver.SUPERUSER}
        return Target(params, self.name, bin_dir=str(self.server.bin_dir))

    def over_tcp(self, password: str) -> Target:
        """The same database by 127.0.0.1, where the server asks for a password."""
        params = {**self.target.params, "host": "127.0.0.1", "password": password}
        return Target(params, self.name, bin_dir=str(self.server.bin_dir))

    def sql(self, text: str) -> str:
        """What psql prints, unaligned and without a heading."""
        return self.server.psql(text, self.name)

    def admin(self, text: str) -> str:
        """SQL in the maintenance database."""
        return self.server.psql(text)

    def fingerprint(self) -> Fingerprint:
        """As a restored copy of it is compared, so that two can be compared by ``==`` whatever was restored between."""
        with session(login_triggers.silenced(self.target)) as reader:
            found = fingerprint.take(reader)
        return replace(found, catalog=catalog.as_restored(found.catalog))

    def exists(self) -> bool:
        return self.name in databases(self.server)

    def called(self, name: str) -> Database:
        """Another database of the same server."""
        return Database(self.server, name)

    def connect(self, application: str = "") -> psycopg2.extensions.connection:
        """A session of somebody else's."""
        named = {**self.target.params, "dbname": self.name, "application_name": application}
        return psycopg2.connect(psycopg2.extensions.make_dsn(**named))

    @contextmanager
    def holding(self, *statements: str) -> Iterator[psycopg2.extensions.connection]:
        """A session that has run these statements in a transaction and keeps it open."""
        connection = self.connect("holder")
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            yield connection
        finally:
            connection.close()

    def variables(self, backup_root: Path, source: Path | None = None, **connection: object) -> dict[str, object]:
        """What the role needs to know of this database, connected to in another way as far as this is given."""
        known = {
            "login_user": pgserver.SUPERUSER,
            "login_unix_socket": str(self.server.socket_dir),
            "login_port": self.server.port,
            "bin_dir": str(self.server.bin_dir),
        }
        given: dict[str, object] = {
            "pg_migrate_db": self.name,
            "pg_migrate_connection": {**known, **connection},
            "pg_migrate_backup_root": str(backup_root),
            # Where the disk of the tests clones files, another one would be chosen.
            "pg_migrate_fence": "read_only+closed",
        }
        return {**given, "pg_migrate_source": str(source)} if source else given


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so it steps aside for a user who may not."""
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody")
    os.setresgid(nobody.pw_gid, nobody.pw_gid, 0)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


def databases(server: pgserver.Server) -> set[str]:
    return set(json.loads(server.psql("SELECT json_agg(datname) FROM pg_database")))


def ours(server: pgserver.Server, database: str) -> set[str]:
    """The databases that runs over this one have put beside it."""
    return {name for name in databases(server) if name != database and "__" in name and name.startswith(database)}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def write_set(directory: Path, files: Mapping[str, str | bytes]) -> Path:
    """A migration set on disk."""
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def back_up(database: Database, backup_root: Path, lock_timeout: int = 30, run_id: str = "") -> backup.Backup:
    return backup.run(requests.backup(database.target, backup_root, lock_timeout=lock_timeout, run_id=run_id))


def proven(
    database: Database, backup_root: Path, level: str = "restore", run_id: str = "", proof: str = "scratch"
) -> backup.Backup:
    """A backup whose proof of that level is in the run's journal."""
    taken = back_up(database, backup_root, run_id=run_id)
    verdict = verify.run(requests.verify(database.target, taken.directory, level, proof=proof))
    assert not verdict.findings, [finding.as_text() for finding in verdict.findings]
    return taken


def fenced(
    database: Database, backup_root: Path, kind: str = fence.BOTH, proof: str = "verified_copy", **of_fence: object
) -> backup.Backup:
    """A proven backup that was taken behind a fence, which still stands."""
    raised = fence.run(requests.fence(database.target, backup_root, kind, reason="a test", **of_fence))
    return proven(database, backup_root, run_id=raised.run_id, proof=proof)


def request(database: Database, taken: backup.Backup, source: Path, **options: object) -> migrate.MigrateRequest:
    """A migration that is confirmed and authorised, unless an option says otherwise."""
    given: dict[str, object] = {
        "target": database.target,
        "source": SetSource(source),
        "backup_dir": taken.directory,
        "run_id": taken.run_id,
        "confirmed_database": database.name,
    }
    return requests.migrate(**{**given, **options})  # type: ignore[arg-type]


def planned(database: Database, source: SetSource, **options: object) -> migrate.Plan:
    """What is pending, before there is a backup."""
    wish = requests.migrate(database.target, source, Path(), "", "")
    return migrate.plan(replace(wish, **options))  # type: ignore[arg-type]


def failed(wanted: migrate.MigrateRequest) -> migrate.MigrationFailed:
    """The failure of a migration that must fail."""
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(wanted)
    return caught.value


def rolled_back(wanted: migrate.MigrateRequest, database: Database) -> migrate.MigrationFailed:
    """The failure of a migration that must be rolled back to what the database is now."""
    before = database.fingerprint()
    failure = failed(wanted)
    assert failure.outcome.verdict == "rolled_back", str(failure)
    assert failure.outcome.rollback is not None
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == {failure.outcome.rollback.kept}
    return failure


def require_open(database: Database) -> None:
    database.sql("CREATE TABLE writable (); DROP TABLE writable")
    count = "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = '{}'"
    assert database.admin(count.format(database.name)) == "0"


def finish(database: Database, run: journal.Journal) -> None:
    """Finish the run of a controller that is gone: by hand, unless its guard, which notices that too, is faster."""

    def over() -> bool:
        with contextlib.suppress(Refused):
            recover.run(requests.recover(database.target, journal.root_of(run), run_id=run.run_id))
        return not (run.state.fenced or run.alive)

    until(over, f"the run {run.run_id} is over")


def events(backup_dir: Path) -> list[str]:
    """The events of the journal of a backup's run, in order."""
    found = journal.of_run(backup_dir.parent.parent, backup_dir.name[len("migration_") :])
    return [entry.event for entry in found.entries()] if found else []


def everything(directory: Path) -> list[str]:
    """Every path below a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def kill(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
    """Those that are still there: between a look and its signal a process may end."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2


def until(condition: Callable[[], object], what: str) -> None:
    """Poll for a condition; the bound is for a test that hangs, and no test passes because of it."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, _SHORTEST_PAUSE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(pause)
        # Many a condition starts a psql, or looks at every process, which the other tests wait for.
        pause = min(pause * 1.2, _LONGEST_PAUSE)


# While there is a role of that name, no row goes into a copy of the database.
HELD_UP = """
CREATE FUNCTION held_up(value bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_catalog.pg_roles
                   WHERE rolname = 'hold_' || pg_catalog.split_part(pg_catalog.current_database(), '__', 1)
                     AND pg_catalog.current_database() ~ '__') LOOP
        PERFORM pg_catalog.pg_sleep(0.05);
    END LOOP;
    RETURN true;
END $$;
ALTER TABLE customers ADD CHECK (public.held_up(id));
"""


@contextmanager
def held_up(database: Database) -> Iterator[Callable[[], object]]:
    """No restore of the database gets on for the time of the block, or until what it gives is called."""

    def release() -> str:
        return database.admin(f"DROP ROLE IF EXISTS hold_{database.name}")

    database.admin(f"CREATE ROLE hold_{database.name}")
    try:
        yield release
    finally:
        release()


def backends(server: pgserver.Server, application: str = "pgsafe") -> list[str]:
    """Application names of the sessions of ours that the server has now; pg_dump's among them."""
    query = "SELECT '=' || application_name FROM pg_stat_activity WHERE application_name ^@ '{}'"
    # A sign before each, so that one without a name is a line too.
    return [line[1:] for line in server.psql(query.format(application)).splitlines()]


def command_lines() -> dict[int, list[str]]:
    """The arguments of every process of this machine."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        found[int(process.name)] = words
    return found


def guards_of(directory: Path, role: str) -> list[int]:
    """The processes of the runs below a directory that are a ``guard``, the ``parent`` of a guard, or its ``work``."""
    lines = command_lines()
    named = "work" if role == "work" else "guard"
    found = [pid for pid, words in lines.items() if str(directory) in " ".join(words) and words[-2:-1] == [named]]
    parents = {parent for pid in found if (parent := _parent(pid)) in found}
    return found if role == "work" else [pid for pid in found if (pid in parents) == (role == "parent")]


def _parent(pid: int) -> int:
    try:
        said = (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:
        return 0
    return int(said.rpartition(")")[2].split()[1])


def clean_environment(home: Path) -> dict[str, str]:
    """A caller's environment with nothing in it that steers Ansible, libpq or Python."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8"}


@contextmanager
def python(script: str, home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python of its own that runs a script over the collection; killed at the end."""
    env = {**clean_environment(home), "PYTHONPATH": os.pathsep.join([str(TREE.parents[2]), str(TREE / "tools")])}
    argv = [sys.executable, "-c", script, *arguments]
    none, pipe, same = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(argv, env=env, stdin=none, stdout=pipe, stderr=same, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


# A migration in a process of its own, for a test that ends it, or looks on while it runs.
_MIGRATE = """
import sys
from pathlib import Path
import pgserver
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.tests.server.support import Database
home, name, source, directory, run_id = sys.argv[1:]
database = Database(pgserver.Server.at(Path(home)), name)
print(migrate.run(requests.migrate(database.target, SetSource(Path(source)), Path(directory), run_id, name)))
"""


@contextmanager
def migrating(database: Database, taken: backup.Backup, source: Path) -> Iterator[subprocess.Popen[str]]:
    """A migration that runs beside the test; killed at the end if it still does."""
    arguments = (str(database.server.home), database.name, str(source), str(taken.directory), taken.run_id)
    with python(_MIGRATE, source, *arguments) as process:
        yield process


@contextmanager
def tmpfs(directory: Path, size: str) -> Iterator[Path]:
    """A small filesystem of its own; needs root."""
    directory.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


# The first process of a namespace of its own, as in a container.
CONTAINED = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")


def can_contain() -> bool:
    """Whether this machine lets the tests make what a container is."""
    try:
        return subprocess.run([*CONTAINED, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def can_mount(directory: Path) -> bool:
    """Whether this machine lets the tests make small filesystems."""
    try:
        with tmpfs(directory, "1m"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
