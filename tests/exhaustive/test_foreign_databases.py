# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public databases go through whole runs: PostgreSQL's own regression database and two large public schemas.

Each is proven, migrated in vain and rolled back both ways, migrated well. What it holds is compared by means that share
nothing with the collection: the server's own names of all objects, digests of all rows, and dumps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.tests.exhaustive.foreign_databases import (
    MUSICBRAINZ,
    REGRESSION,
    ZABBIX,
    Foreign,
    Held,
    held,
)
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import Database, failed, fenced, request, write_set

import pgserver

SETTINGS = "max_prepared_transactions = 5\nmax_locks_per_transaction = 512\n"
# Everything that the database holds is dropped and committed before a later file fails.
DROP_ALL = r"""
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT nspname FROM pg_catalog.pg_namespace
               WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'pgsafe') LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
END $$;
"""
BROKEN = {"1_drop.sql": DROP_ALL, "2_more.sql": "CREATE SCHEMA half; CREATE TABLE half.half (a int);", "3.sql": "X;"}
GOOD = {
    "1_add.sql": "ALTER TABLE {0} ADD COLUMN pgsafe_grade integer NOT NULL DEFAULT 1;\n",
    "2_index.sql": "-- pgsafe: no-transaction\nCREATE INDEX CONCURRENTLY pgsafe_made ON {0} (pgsafe_grade);\n",
}
TABLES = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384"


def named(foreign: Foreign) -> str:
    return foreign.name


@pytest.mark.every_server
@pytest.mark.parametrize("foreign", [REGRESSION, ZABBIX], ids=named)
def test_a_public_database_is_rolled_back_both_ways_and_then_migrated(
    server: pgserver.Server,
    foreign: Foreign,
    backup_root: Path,
    place: Path,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    require_whole_runs(server, foreign, Places(backup_root, place, tmp_path), figure)


@pytest.mark.every_major
@pytest.mark.parametrize("foreign", [MUSICBRAINZ], ids=named)
def test_a_public_database_with_extensions_is_rolled_back_both_ways_and_then_migrated(
    server: pgserver.Server,
    foreign: Foreign,
    backup_root: Path,
    place: Path,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    require_whole_runs(server, foreign, Places(backup_root, place, tmp_path), figure)


@dataclass(frozen=True)
class Places:
    """:param readable: by the server's user."""

    backup_root: Path
    readable: Path
    sets: Path


def require_whole_runs(
    server: pgserver.Server, foreign: Foreign, places: Places, figure: Callable[[str], None]
) -> None:
    with server_of_its_own(server, SETTINGS) as other:
        foreign.load(other.server, places.readable)
        database = other.called(foreign.name)
        tables = int(database.sql(TABLES))
        assert tables >= foreign.tables
        assert look(database, places.backup_root, probe=True, waived=foreign.waived).errors == ()
        before = held(database)
        for proof in ("verified_copy", "scratch"):
            require_rollback(database, places, proof)
            assert "\n".join(differences(before, held(database), foreign)) == ""
        require_migration(database, places, foreign.altered)
        assert differences(before, held(database), foreign) != [], "the migration changed nothing that is compared"
        figure(f"{foreign.name}, PostgreSQL {server.installation.major}: {tables} tables")


def require_rollback(database: Database, places: Places, proof: str) -> None:
    """A migration that drops everything, fails, and is rolled back from the copy or from the archive."""
    taken = fenced(database, places.backup_root, proof=proof)
    failure = failed(request(database, taken, write_set(places.sets / "broken", BROKEN)))
    assert (failure.outcome.verdict, failure.outcome.applied) == ("rolled_back", ("1_drop.sql", "2_more.sql"))
    assert failure.outcome.rollback is not None
    database.admin(f'DROP DATABASE "{failure.outcome.rollback.kept}"')


def require_migration(database: Database, places: Places, table: str) -> None:
    taken = fenced(database, places.backup_root)
    files = {name: text.format(table) for name, text in GOOD.items()}
    outcome = migrate.run(request(database, taken, write_set(places.sets / "good", files)))
    assert outcome.verdict == "migrated"
    assert database.sql(f"SELECT count(*) FROM {table} WHERE pgsafe_grade = 1") != "0"


def differences(before: Held, after: Held, foreign: Foreign) -> list[str]:
    """What is not as it was, apart from the exceptions that are named."""
    objects = [f"{line} is lost" for line in sorted(before.objects - after.objects)]
    objects += [f"{line} is new" for line in sorted(after.objects - before.objects)]
    tables = before.rows.keys() | after.rows.keys()
    rows = [
        f"rows of {name}: {before.rows.get(name)}, now {after.rows.get(name)}"
        for name in sorted(tables)
        if before.rows.get(name) != after.rows.get(name)
    ]
    settings = [] if before.settings == after.settings else [f"{before.settings} is now {after.settings}"]
    dump = [f"in the dump: {line}" for line in unified_diff(before.dump, after.dump, lineterm="", n=0)]
    found = [*objects, *rows, *settings, *dump]
    return [line for line in found if not any(re.search(pattern, line) for pattern in foreign.exceptions)]
