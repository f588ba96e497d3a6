# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration that goes beyond the tables: to the database's own properties, to its place, to what is outside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import DatabaseProperties
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import properties
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    databases,
    fenced,
    ours,
    proven,
    request,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

FAILS = {"9.sql": "SELECT 1 / 0;\n"}


def failed(database: Database, backup_root: Path, source: Path, kind: str = fence.BOTH) -> migrate.MigrationFailed:
    """A migration behind a fence that comes to nothing."""
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, fenced(database, backup_root, kind), source))
    return caught.value


def properties_of(database: Database) -> DatabaseProperties:
    with session(database.target.maintenance) as server:
        return properties.read(server, database.name)


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """A role that is gone after the test, with whatever the test gave it."""
    name = f"of_{database.name}"
    database.admin(f"CREATE ROLE {name}")
    yield name
    if database.exists():
        database.sql(f"DROP OWNED BY {name}")
        database.admin(f"ALTER DATABASE {database.name} OWNER TO CURRENT_USER")
    database.admin(f"DROP ROLE IF EXISTS {name}")


@pytest.mark.fault(60)
@pytest.mark.parametrize("kind", [fence.BOTH, fence.CONNECT])
def test_what_a_migration_changed_of_the_database_itself_is_put_back_though_its_tables_are_as_they_were(
    database: Database, backup_root: Path, tmp_path: Path, role: str, kind: str
) -> None:
    database.admin(f"ALTER DATABASE {database.name} SET lock_timeout = '7s'")
    before = properties_of(database)
    changes = (
        "ALTER DATABASE %I SET work_mem = ''7MB''",
        "ALTER DATABASE %I RESET lock_timeout",
        f"ALTER ROLE {role} IN DATABASE %I SET work_mem = ''9MB''",
        "ALTER DATABASE %I CONNECTION LIMIT 3",
        "ALTER DATABASE %I IS_TEMPLATE true",
        "COMMENT ON DATABASE %I IS ''changed''",
        "REVOKE CONNECT ON DATABASE %I FROM PUBLIC",
        f"GRANT CREATE ON DATABASE %I TO {role} WITH GRANT OPTION",
        f"ALTER DATABASE %I OWNER TO {role}",
    )
    run = "DO $$ BEGIN EXECUTE format('{}', current_database()); END $$;\n"
    source = write_set(tmp_path / "set", {"1.sql": "".join(run.format(change) for change in changes), **FAILS})
    error = failed(database, backup_root, source, kind)
    assert error.outcome.verdict == "failed_unchanged"
    assert properties.differences(properties_of(database), before) == []
    assert "the owner, the connection limit, the template flag, the comment," in error.outcome.warnings[0]
    assert f"{database.name} is as it was before" in error.state


RECREATE = 'D="$PGDATABASE"; export PGDATABASE=postgres; {psql} -Xq {commands} && exit {status}'
DROPPED = ('DROP DATABASE \\"$D\\"', 'CREATE DATABASE \\"$D\\"')
RENAMED = ('ALTER DATABASE \\"$D\\" RENAME TO {name}__aside', 'CREATE DATABASE \\"$D\\"')


def replacing(database: Database, commands: tuple[str, ...], status: int) -> SetSource:
    """A command that puts another database in the place of the one that it was given."""
    given = " ".join(f'-c "{command.format(name=database.name)}"' for command in commands)
    script = RECREATE.format(psql=database.server.bin_dir / "psql", commands=given, status=status)
    return SetSource(command=("sh", "-c", script))


@pytest.mark.fault(60)
@pytest.mark.parametrize(
    ("kind", "commands", "status"),
    [(fence.BOTH, DROPPED, 0), (fence.CONNECT, DROPPED, 1), (fence.NONE, RENAMED, 0)],
)
def test_another_database_in_the_place_is_no_success_and_is_kept_when_the_original_comes_back(
    database: Database, backup_root: Path, kind: str, commands: tuple[str, ...], status: int
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root, kind)
    wanted = request(database, taken, Path())
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(requests.migrate(**{**vars(wanted), "source": replacing(database, commands, status)}))
    assert caught.value.outcome.verdict == "rolled_back", str(caught.value)
    assert database.fingerprint() == before
    numbers = ("", "2") if commands is RENAMED else ("",)
    kept = {f"{database.name}__failed{number}_{taken.run_id}" for number in numbers}
    assert ours(database.server, database.name) == kept
    closed = f"SELECT count(*) FROM pg_database WHERE datname ^@ '{database.name}__failed' AND NOT datallowconn"
    assert database.admin(closed) == str(len(kept))


@pytest.mark.fault(60)
def test_a_rollback_that_dies_when_a_dropped_database_has_been_replaced_is_finished(
    database: Database, backup_root: Path
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root, fence.NONE)
    wanted = request(database, taken, Path())
    with pytest.raises(migrate.MigrationFailed):
        migrate.run(requests.migrate(**{**vars(wanted), "source": replacing(database, DROPPED, 1)}))
    path = backup_root / ".runs" / taken.run_id / journal.JOURNAL
    lines = path.read_text().splitlines(keepends=True)
    (swapping,) = [number for number, line in enumerate(lines) if '"swapping"' in line]
    path.write_text("".join(lines[: swapping + 1]))
    beside = databases(database.server)
    (said,) = recover.run(requests.recover(database.target, backup_root, run_id=taken.run_id)).done
    assert said.startswith("Rolled back: the run")
    assert databases(database.server) == beside
    assert database.fingerprint() == before


BESIDE = ("SET work_mem = '7MB'", "SET app.key = 'secret'", "CONNECTION LIMIT 3", "IS_TEMPLATE true")
BACK = ("ALTER ROLE ALL RESET my.setting", "ALTER SYSTEM RESET log_min_duration_statement")


@pytest.mark.fault(57)
@pytest.mark.parametrize("files", [BROKEN, FAILS], ids=["rolled back", "unchanged"])
def test_what_the_migration_changed_outside_the_database_is_said(
    database: Database, backup_root: Path, tmp_path: Path, role: str, files: dict[str, str]
) -> None:
    there, fenced_beside = f"{database.name}_there", f"{database.name}_fenced"
    database.admin(f"CREATE DATABASE {there}; CREATE DATABASE {fenced_beside}; CREATE ROLE {role}_login PASSWORD 'a'")
    outside = f"ALTER ROLE {role} CREATEDB;\nCREATE ROLE {role}_new;\nALTER ROLE {role}_login PASSWORD 'secret';\n"
    outside += f"CREATE ROLE pgsafe_20261123_120000 IN ROLE {role};\nALTER ROLE ALL SET my.setting = 'secret';\n"
    outside += "".join(f"ALTER DATABASE {there} {change};\n" for change in BESIDE)
    # As a run beside fences its own database.
    outside += f"ALTER DATABASE {fenced_beside} SET default_transaction_read_only = on;\n"
    outside += f"COMMENT ON DATABASE {fenced_beside} IS 'pgsafe: fenced by the run 20261123_120000';\n"
    other = f"-- pgsafe: no-transaction\nCREATE DATABASE {database.name}_new;\n"
    other += "ALTER SYSTEM SET log_min_duration_statement = 4711;\n"
    # What a run beside has meanwhile replaced and kept.
    for beside in ("", "__failed_20261123_120000"):
        other += f"CREATE DATABASE {database.name}_beside{beside};\n"
    source = write_set(tmp_path / "set", {"000.sql": outside, "0.5.sql": other, **files})
    try:
        error = failed(database, backup_root, source)
    finally:
        gone = f"DROP ROLE {role}_new, {role}_login, pgsafe_20261123_120000"
        for undo in (gone, f"ALTER DATABASE {there} IS_TEMPLATE false", *BACK):
            database.admin(undo)
    said = "\n".join(error.outcome.warnings)
    for told in (
        f"role {role} is other",
        f"role {role}_new was not there",
        f"role {role}_login was altered in a property that is not listed, such as its password",
        f"database {database.name}_new was not there",
        f"database {there} is other than before: definition is ",
        "setting of all roles my.setting was not there",
        "server setting log_min_duration_statement was not there",
    ):
        assert f"Outside the database, since the backup: {told}" in said
    assert said.count("A rollback does not undo that.") == 7, said
    assert "secret" not in said
    assert "Nothing was changed" not in str(error)


@pytest.mark.fault(52)
@pytest.mark.parametrize("kind", [fence.BOTH, fence.NONE])
def test_a_prepared_transaction_of_somebody_else_s_stops_the_run_and_is_left_alone(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken = fenced(database, backup_root, kind)
    with database.holding("BEGIN READ WRITE", "DELETE FROM empty_one", "PREPARE TRANSACTION 'theirs'"):
        pass
    with pytest.raises(Refused, match=f"Prepared transactions are open in {database.name}: theirs") as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert caught.value.remedy == "Commit or roll them back, then run again."
    assert database.admin("SELECT gid FROM pg_prepared_xacts") == "theirs"
    assert database.sql("SHOW default_transaction_read_only") == "off"
    database.sql("ROLLBACK PREPARED 'theirs'")


@pytest.mark.fault(59)
def test_a_name_that_a_rollback_needs_and_somebody_has_stops_the_run_before_anything_is_changed(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    name = f"{database.name}__failed_{taken.run_id}"
    database.admin(f"CREATE DATABASE {name}; COMMENT ON DATABASE {name} IS 'theirs'")
    with pytest.raises(Refused, match="exists already, and a rollback would need the name"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert database.fingerprint() == before
    assert database.called(name).exists()


@pytest.mark.every_major
def test_a_view_over_dblink_to_the_live_database_costs_no_rollback_and_is_filled_when_it_is_there_again(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    way = f"host={database.server.socket_dir} port={database.server.port} user=postgres dbname="
    database.sql("CREATE EXTENSION dblink")
    far = "CREATE MATERIALIZED VIEW {} AS SELECT * FROM dblink('{}', 'SELECT id FROM customers') AS t (id bigint)"
    other = f"{database.name}_other"
    database.admin(f"CREATE DATABASE {other} TEMPLATE {database.name}")
    database.sql(";".join([far.format("far", way + database.name), far.format("farther", way + other)]))
    before, taken = database.fingerprint(), fenced(database, backup_root, proof="scratch")
    database.admin(f"DROP DATABASE {other}")
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    restored = caught.value.outcome.rollback
    assert restored is not None, str(caught.value)
    assert (restored.state, restored.method) == ("rolled_back", "archive")
    assert database.sql("SELECT count(*) FROM far") == "60"
    (warning, _outside) = restored.warnings
    assert "MATERIALIZED VIEW DATA public farther" in warning
    assert f'database "{other}" does not exist' in warning
    forgiving = fingerprint.whatever_is_filled
    assert forgiving(database.fingerprint()) == forgiving(before)


NUMBERED = {
    "1.sql": "INSERT INTO customers (name) SELECT 'new' FROM generate_series(1, 10);\n"
    "CREATE SEQUENCE new_one;\nSELECT nextval('new_one');\nALTER SEQUENCE \"Odd Schema\".back CYCLE;\n"
    "SELECT nextval('down');\n",
    **FAILS,
}


@pytest.mark.parametrize("chosen", ["backup", "max"])
def test_numbers_that_the_failed_database_gave_out_are_told_or_passed_over(
    database: Database, backup_root: Path, tmp_path: Path, chosen: str
) -> None:
    database.sql("CREATE SEQUENCE \"Odd Schema\".back; CREATE SEQUENCE down INCREMENT -1; SELECT nextval('down')")
    taken, source = fenced(database, backup_root), write_set(tmp_path / "set", NUMBERED)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, source, sequences=chosen))
    restored = caught.value.outcome.rollback
    assert restored is not None, str(caught.value)
    assert (restored.method, len(restored.warnings)) == ("verified_copy", 1)
    told = "public.customers_id_seq (60,t in the backup, 70,t in the failed one); public.down (-1,t in the backup, -2,t"
    assert told in restored.warnings[0]
    following = database.sql("SELECT nextval('customers_id_seq') || ' ' || nextval('down')")
    assert following == ("71 -3" if chosen == "max" else "61 -2")


def test_numbers_are_passed_over_by_a_rollback_from_the_archive_that_asks_for_it(
    database: Database, backup_root: Path
) -> None:
    taken = proven(database, backup_root)
    database.sql(NUMBERED["1.sql"].splitlines()[0])
    done = restore.run(requests.restore(database.target, taken.directory, sequences="max"))
    assert done.warnings[0].startswith("The sequences continue where the failed database left off: public.customers")
    assert database.sql("SELECT nextval('customers_id_seq')") == "71"
