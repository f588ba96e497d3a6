# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single tables of a backup beside the live ones: whole, from each format, or nothing at all."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    PgsafeError,
    QueryFailed,
    Refused,
    VerificationFailed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import leftover_runs
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.tables import extract, recover
from ansible_collections.pgsafe.migration.plugins.module_utils.tables.swap import Replaced
from ansible_collections.pgsafe.migration.tests.server import hostile
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, databases, python, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

ODD = 'Odd Schema.Odd "T" x'

# All that pg_restore --table leaves behind.
RICH = """
CREATE ROLE {name}_reader;
ALTER TABLE customers ADD COLUMN parent bigint REFERENCES customers, ADD CHECK (name <> 'x') NOT VALID,
    ADD COLUMN loud text GENERATED ALWAYS AS (upper(name)) STORED;
CREATE UNIQUE INDEX loud_names ON customers (lower(name)) INCLUDE (note) WHERE born > '1900-01-01';
CREATE STATISTICS together (ndistinct) ON name, note FROM customers;
ALTER TABLE customers ALTER COLUMN note SET STATISTICS 77, ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE customers SET (fillfactor = 80); ALTER TABLE orders REPLICA IDENTITY FULL;
CLUSTER customers USING customers_pkey;
COMMENT ON TABLE customers IS 'who buys; it''s "them"';
COMMENT ON COLUMN customers.note IS 'a note';
COMMENT ON INDEX loud_names IS 'an index';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 'no rows:
COPY public.customers (id, name) FROM stdin;
';
    RETURN NEW;
END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE customers ENABLE ALWAYS TRIGGER stamped;
CREATE TRIGGER stamped_too AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
COMMENT ON TRIGGER stamped ON customers IS 'a trigger';
CREATE RULE no_bob AS ON DELETE TO customers WHERE old.name = 'bob' DO INSTEAD NOTHING;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customers FOR SELECT TO {name}_reader USING (name <> 'secret');
COMMENT ON POLICY own ON customers IS 'a policy';
GRANT SELECT (name), UPDATE (note) ON customers TO {name}_reader;
GRANT SELECT ON orders, orders_2025 TO {name}_reader WITH GRANT OPTION;
ALTER TABLE orders OWNER TO {name}_reader;
CREATE INDEX ON orders (amount);
CREATE INDEX only_2025 ON orders_2025 (customer_id);
CREATE TABLE "Odd Schema".refers (odd integer);
ALTER TABLE "Odd Schema"."Odd ""T"" x" ADD PRIMARY KEY ("a column"), ADD COLUMN "new
line" text DEFAULT E'tab\t, quote '' and \\.';
ALTER TABLE "Odd Schema".refers ADD FOREIGN KEY (odd) REFERENCES "Odd Schema"."Odd ""T"" x";
SELECT setval(pg_get_serial_sequence('customers', 'id'), 4711);
CREATE PUBLICATION published FOR TABLE customers;
"""


@pytest.fixture
def rich(database: Database) -> Iterator[Database]:
    database.sql(RICH.format(name=database.name))
    yield database
    database.sql(f"DROP OWNED BY {database.name}_reader CASCADE; DROP ROLE {database.name}_reader")


def _found(fingerprint: Fingerprint, side: str) -> dict[str, object]:
    """What there is in a schema, as though it were in public."""
    found: dict[str, object] = {}
    for kind, objects in fingerprint.catalog.items():
        for name, facts in objects.items():
            if f"{side}." in name:
                plain = {fact: re.sub(rf"\b{side}( ?\.)", r"public\1", value) for fact, value in facts.items()}
                found[f"{kind} {name.replace(f'{side}.', 'public.')}"] = plain
    for kind, states in (("rows", fingerprint.tables), ("sequence", fingerprint.sequences)):
        for label, state in states.items():
            if label.startswith(f"{side}."):
                found[f"{kind} {label.replace(side, 'public', 1)}"] = state
    return found


WORDS = ("customers", "orders", "loud_names", "together", "only_2025")


def _whole(fingerprint: Fingerprint, side: str) -> dict[str, object]:
    """The objects of the two tables, without the view over one and the publication of one."""
    beyond = ("function ", "view ", "publication", "published ")
    return {
        name: facts
        for name, facts in _found(fingerprint, side).items()
        if any(word in name for word in WORDS) and not name.startswith(beyond) and "best_customers" not in name
    }


def _left(database: Database) -> list[str]:
    """What a recovery that failed could have left."""
    schemas = database.sql("SELECT nspname FROM pg_namespace WHERE nspname ~* 'side|recovered'").splitlines()
    return [*schemas, *(name for name in databases(database.server) if name.startswith(f"{database.name}__"))]


@pytest.mark.every_major
def test_recovered_tables_are_whole_from_each_format_and_the_live_ones_are_left_alone(
    rich: Database, backup_root: Path
) -> None:
    taken = back_up(rich, backup_root)
    before = rich.fingerprint()
    rich.sql("DELETE FROM orders; UPDATE customers SET name = id::text WHERE id < 10; DROP INDEX loud_names")
    damaged = rich.fingerprint()
    planned = recover.plan(requests.tables(rich.target, taken.directory, "customers", schema="side"))
    assert (planned.rows, planned.problems, _left(rich)) == ({"public.customers": 60}, (), [])

    for source in ("archive", "script", "csv"):
        asked = requests.tables(rich.target, taken.directory, "customers", "public.orders", ODD, schema="side")
        done = recover.run(replace(asked, source=source))
        assert done.rows == {"public.customers": 60, "public.orders": 500, ODD: 2}
        assert [line.partition(":")[0] for line in done.not_carried] == [
            "foreign key refers_odd_fkey of Odd Schema.refers"
        ]
        after = rich.fingerprint()
        assert _whole(after, "side") == _whole(before, "public")
        assert after.tables['side.Odd "T" x'] == before.tables[ODD]
        assert _whole(after, "public") == _whole(damaged, "public")
        rich.sql("INSERT INTO side.customers (name) VALUES ('one more')")
        assert rich.sql("SELECT max(id) FROM side.customers") == "4712"
        assert _left(rich) == ["side"]
        with pytest.raises(Refused, match="schema side already"):
            recover.run(asked)
        rich.sql("DROP SCHEMA side CASCADE")


def test_a_recovery_that_fails_leaves_nothing_behind(rich: Database, backup_root: Path) -> None:
    taken = back_up(rich, backup_root)
    before = rich.fingerprint()
    asked = requests.tables(rich.target, taken.directory, "customers", schema="side")
    unlike = replace(asked.target, dbname="other")
    for wrong in (replace(asked, tables=("nothing",)), replace(asked, tables=()), replace(asked, target=unlike)):
        with pytest.raises(BadRequest):
            recover.plan(wrong)
    with pytest.raises(Refused, match="cannot have the name"):
        recover.run(replace(asked, schema="pg_side"))

    manifest = taken.directory / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(re.sub(r'("public\.customers": \{[^}]*?"rows": )60', r"\g<1>61", text))
    with pytest.raises(VerificationFailed, match=r"public\.customers has 60 rows, of 61"):
        recover.run(asked)
    manifest.write_text(text)

    csv = taken.directory / "customers.csv"
    rows = csv.read_bytes()
    csv.write_bytes(rows.replace(b"name 7", b"name 8"))
    with pytest.raises(VerificationFailed, match="SHA-256 differs"):
        recover.run(replace(asked, source="csv"))
    csv.write_bytes(rows)
    assert _left(rich) == []
    assert rich.fingerprint() == before

    rich.sql("DROP FUNCTION stamp() CASCADE")
    with pytest.raises(QueryFailed, match=r"function public\.stamp\(\) does not exist"):
        recover.run(asked)
    assert _left(rich) == []


# For a swap: without the view over the table and its publication; rows that refer to a table of an odd name.
_SWAPPABLE = """
DROP VIEW best_customers;
DROP PUBLICATION published;
INSERT INTO "Odd Schema".refers SELECT "a column" FROM "Odd Schema"."Odd ""T"" x";
"""
_DAMAGE = """
DROP TABLE orders CASCADE;
DELETE FROM customers WHERE id > 9;
DROP INDEX loud_names;
ALTER TABLE "Odd Schema"."Odd ""T"" x" DROP COLUMN "new
line";
"""


def _replaced(database: Database) -> list[str]:
    return database.sql("SELECT nspname FROM pg_namespace WHERE nspname ^@ 'replaced_'").splitlines()


@pytest.mark.every_major
def test_recovered_tables_replace_the_live_ones_with_their_keys_in_both_directions(
    rich: Database, backup_root: Path
) -> None:
    rich.sql(_SWAPPABLE)
    taken = back_up(rich, backup_root)
    before = rich.fingerprint()
    rich.sql(_DAMAGE)
    asked = requests.tables(rich.target, taken.directory, "customers", "orders", ODD, schema="side", swap=True)
    done = recover.run(asked)
    (kept,) = _replaced(rich)
    assert done.replaced == Replaced(kept, {"public.customers": 9, ODD: 2}, ())
    assert done.not_carried == ()
    assert rich.sql(f"SELECT count(*) FROM {kept}.customers") == "9"
    keys = f"SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = '{kept}'::regnamespace"
    assert rich.sql(keys) == "1"
    rich.sql(f"DROP SCHEMA {kept} CASCADE")
    assert rich.fingerprint() == before
    assert _left(rich) == []
    rich.sql("INSERT INTO customers (name) VALUES ('one more')")
    assert rich.sql("SELECT max(id) FROM customers") == "4712"


def test_a_swap_that_cannot_be_done_leaves_the_live_tables_and_keeps_the_recovered_ones(
    rich: Database, backup_root: Path
) -> None:
    taken = back_up(rich, backup_root)
    damaged = rich.fingerprint()
    asked = requests.tables(rich.target, taken.directory, "customers", schema="side", swap=True)
    for refused in (recover.plan, recover.run):
        with pytest.raises(Refused, match=r"publication of table public\.customers in publication published") as found:
            refused(asked)
        assert "view public.best_customers" in found.value.what
        part = replace(asked, tables=("orders_2025",))
        with pytest.raises(PgsafeError):
            refused(part)
    assert (_left(rich), _replaced(rich), rich.fingerprint()) == ([], [], damaged)

    rich.sql(_SWAPPABLE)
    rich.sql("INSERT INTO customers (name) VALUES ('later'); INSERT INTO orders VALUES (9999, 4712, '2025-06-01', 1)")
    with pytest.raises(QueryFailed, match="violates foreign key constraint") as violated:
        recover.run(asked)
    assert "The live tables are as they were; the recovered ones are in the schema side." in str(violated.value)
    assert (_left(rich), _replaced(rich)) == (["side"], [])
    rich.sql("DROP SCHEMA side CASCADE")
    held = "LOCK TABLE customers IN ACCESS SHARE MODE"
    with rich.holding(held), pytest.raises(Refused, match="could not be locked within 3 s"):
        recover.run(asked)
    assert (_left(rich), _replaced(rich)) == (["side"], [])


_DYING = """
import sys
from pathlib import Path
import pgserver
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.tables import recover
from ansible_collections.pgsafe.migration.tests.server.support import Database

home, name, directory = sys.argv[1:]
database = Database(pgserver.Server.at(Path(home)), name)
recover.run(requests.tables(database.target, Path(directory), "customers", schema="side"))
"""
_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'"
_WORKS = "SELECT count(*) FROM pg_stat_activity WHERE datname ^@ '{}' AND application_name ^@ 'pgsafe'"


# Waiting for a lock, before the first table is there and when all rows are.
_DEATHS = (
    ("pg_namespace", signal.SIGKILL),
    ("pg_trigger", signal.SIGTERM),
    ("pg_trigger", signal.SIGKILL),
)


def test_a_recovery_that_is_killed_leaves_nothing_that_the_next_one_does_not_drop(
    rich: Database, backup_root: Path
) -> None:
    taken = back_up(rich, backup_root)
    before = rich.fingerprint()
    given = (str(rich.server.home), rich.name, str(taken.directory))
    for catalog, number in _DEATHS:
        with python(_DYING, backup_root, *given) as process:
            with rich.holding(f"LOCK TABLE pg_catalog.{catalog} IN SHARE MODE"):
                until(partial(_waits, rich), "the recovery waits for the lock")
                process.send_signal(number)
                if number == signal.SIGKILL:
                    process.wait()
            said, _nothing = process.communicate()
        until(partial(_rests, rich), "the server has ended its sessions")
        killed = number == signal.SIGKILL
        assert killed or "interrupted by SIGTERM" in said
        assert [name.partition("__")[2][:6] for name in _left(rich)] == (["table_"] if killed else [])
        if catalog == "pg_trigger" and killed:
            # The next run drops it; after the other deaths the next recovery does.
            assert leftover_runs.sweep(rich.target, backup_root) == [f"{rich.name}__table_{taken.run_id}"]
            assert _left(rich) == []
        assert rich.fingerprint() == before
    recover.run(requests.tables(rich.target, taken.directory, "customers", schema="side"))
    assert _left(rich) == ["side"]


_READING = """
import sys
from pathlib import Path
import pgserver
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.tables import extract, recover
from ansible_collections.pgsafe.migration.tests.server.support import Database

home, name, directory, what = sys.argv[1:]
target, backup = Database(pgserver.Server.at(Path(home)), name).target, Path(directory)
if what == "restore":
    restore.run(requests.restore(target, backup, new_database=name + "_new"))
elif what == "recover":
    recover.run(requests.tables(target, backup, "empty_one", schema="side"))
else:
    extract.run(requests.extract(target, backup, "empty_one", "true", None, form="table", schema="other_side"))
"""
_COMMENTS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'COMMENT ON DATABASE'"


def test_retention_waits_for_what_reads_a_backup(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    run = journal.of_run(backup_root, taken.run_id)
    assert run
    for what in ("restore", "recover", "extract"):
        given = (str(database.server.home), database.name, str(taken.directory), what)
        holding = database.called("postgres").holding("LOCK TABLE pg_catalog.pg_shdescription IN SHARE MODE")
        with holding as holder, python(_READING, backup_root, *given) as process:
            until(lambda: database.admin(_COMMENTS) == "1", "the copy waits for the lock")
            with pytest.raises(Refused, match="is being read"), run.unread():
                pass
            if what == "restore":
                with pytest.raises(Refused, match=f"{database.name}_new is in use by pgsafe restore as "):
                    restore.run(requests.restore(database.target, taken.directory, f"{database.name}_new"))
            holder.rollback()
            assert process.communicate()[0] == ""
    database.admin(f"DROP DATABASE {database.name}_new")
    with run.unread(), pytest.raises(Refused, match="is being removed"):
        recover.run(requests.tables(database.target, taken.directory, "empty_one", schema="third"))


def test_of_two_recoveries_from_one_backup_the_second_is_refused(database: Database, backup_root: Path) -> None:
    """Both would have one scratch database; nothing drops it while the first uses it."""
    taken = back_up(database, backup_root)
    table = requests.tables(database.target, taken.directory, "empty_one", schema="second")
    rows = requests.extract(database.target, taken.directory, "orders", "true", backup_root / "rows.csv")
    for what, first in (("recover", "pgsafe recover table as "), ("extract", "pgsafe extract rows as ")):
        given = (str(database.server.home), database.name, str(taken.directory), what)
        with python(_READING, backup_root, *given) as process:
            with database.holding("LOCK TABLE pg_catalog.pg_namespace IN SHARE MODE"):
                until(partial(_waits, database), "the first waits for the lock")
                for second in (partial(recover.run, table), partial(extract.run, rows)):
                    with pytest.raises(Refused, match=f"{database.name}__table_{taken.run_id} is in use by {first}"):
                        second()
                assert "is in use by" in recover.plan(table).problems[0].what
                assert leftover_runs.sweep(database.target, backup_root) == []
            assert process.communicate()[0] == ""
    assert recover.run(table).rows == {"public.empty_one": 0}
    assert database.sql("SELECT count(*) FROM side.empty_one, other_side.empty_one") == "0"
    assert [name for name in databases(database.server) if name.startswith(f"{database.name}__")] == []


def _waits(database: Database) -> bool:
    return database.admin(_WAITS.format(database.name)) == "1"


def _rests(database: Database) -> bool:
    return database.admin(_WORKS.format(database.name)) == "0"


@pytest.fixture
def trapped(server: pgserver.Server, clone: Callable[[str], Database]) -> Iterator[hostile.Hostile]:
    yield from hostile.untouched(server, clone)


@pytest.mark.every_server
def test_tables_of_a_database_that_shadows_the_catalogs_are_recovered(
    trapped: hostile.Hostile, backup_root: Path
) -> None:
    database = trapped.database
    taken = back_up(database, backup_root)
    for source in ("archive", "script", "csv"):
        asked = requests.tables(database.target, taken.directory, "shops", "orders", schema=f"side_{source}")
        assert recover.run(replace(asked, source=source)).rows == {"public.shops": 200, "public.orders": 900}


def test_a_constraint_that_calls_a_function_of_the_owner_is_refused(database: Database, backup_root: Path) -> None:
    owner = f"mallory_{database.name}"
    database.sql(f"""
        CREATE ROLE {owner};
        CREATE FUNCTION public.good(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
        ALTER TABLE empty_one ADD CHECK (public.good(a));
    """)
    taken = back_up(database, backup_root)
    database.sql(f"ALTER FUNCTION public.good(integer) OWNER TO {owner}")
    asked = requests.tables(database.target, taken.directory, "empty_one", schema="side")
    with pytest.raises(Refused, match=rf"functions of other roles.*public\.good of {owner}"):
        recover.run(asked)
    assert _left(database) == []
    assert recover.run(replace(asked, target=replace(asked.target, trust_owner=True))).rows == {"public.empty_one": 0}
    database.sql(f"DROP SCHEMA side CASCADE; DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}")
