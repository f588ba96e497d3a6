# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of applied migrations is used only as the plain table that was made here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import applied_files
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, Session, session
from ansible_collections.pgsafe.migration.tests.server.support import Database

TABLE = "pgsafe.applied_file"
COLUMNS = (
    "set_name text NOT NULL, name text NOT NULL, run_id text NOT NULL, kind text NOT NULL, sha256 text NOT NULL,"
    "place int NOT NULL, transactional bool, seconds float8, reason text NOT NULL, applied_by text NOT NULL,"
    "applied_at timestamptz NOT NULL, verified_at timestamptz, PRIMARY KEY (set_name, name, run_id)"
)
MADE = f"CREATE SCHEMA pgsafe; CREATE TABLE {TABLE} ({COLUMNS});"
OF_SETS = (
    "CREATE SCHEMA pgsafe; CREATE TABLE pgsafe.migration_set (digest text PRIMARY KEY, run_id text NOT NULL,"
    "files jsonb NOT NULL, applied_at timestamptz NOT NULL, verified_at timestamptz);"
)
# As the owner of the database can do it; run by a superuser it would make that owner one.
TRAP = (
    "CREATE TABLE sprung (by text); CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO public.sprung VALUES (current_user); RETURN NEW; END $$;"
    "CREATE FUNCTION trap(text) RETURNS boolean LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO public.sprung VALUES (current_user); RETURN true; END $$;"
)
HOSTILE = {
    "a view": f"{MADE} ALTER TABLE {TABLE} RENAME TO t;"
    f"CREATE VIEW {TABLE} AS SELECT * FROM pgsafe.t WHERE trap(sha256)",
    "a trigger": f"{MADE} CREATE TRIGGER t BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION trap()",
    "a rule": f"{MADE} CREATE RULE r AS ON INSERT TO {TABLE} DO ALSO SELECT trap('x')",
    "a policy": f"{MADE} ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY;CREATE POLICY p ON {TABLE} USING (trap(sha256))",
    "a default": f"{MADE} ALTER TABLE {TABLE} ALTER verified_at SET DEFAULT CASE WHEN trap('x') THEN now() END",
    "a check": f"{MADE} ALTER TABLE {TABLE} ADD CHECK (trap(sha256))",
    "an index": f"{MADE} CREATE FUNCTION i(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT $1 $$;"
    f"CREATE INDEX ON {TABLE} (i(sha256))",
    "a type": f"{MADE} CREATE DOMAIN d AS text CHECK (trap(VALUE)); ALTER TABLE {TABLE} ALTER run_id TYPE d",
    "a column more": f"{MADE} ALTER TABLE {TABLE} ADD more int",
    "a child": f"{MADE} CREATE TABLE child () INHERITS ({TABLE})",
    "another's grant": f"{MADE} GRANT INSERT ON {TABLE} TO PUBLIC",
    "another's table": f"{MADE} ALTER TABLE {TABLE} OWNER TO mallory",
    "an older table with a trigger": f"{OF_SETS} CREATE TRIGGER t BEFORE DELETE ON pgsafe.migration_set"
    " FOR EACH ROW EXECUTE FUNCTION trap()",
    "a foreign key": f"{MADE} CREATE TABLE o (a text PRIMARY KEY);"
    f"ALTER TABLE {TABLE} ADD FOREIGN KEY (run_id) REFERENCES o",
}


def applying(name: str, sum_: str) -> applied_files.Applying:
    return applied_files.Applying(name, applied_files.APPLIED, sum_ * 64, 1, True, 0.5)


USES: tuple[Callable[[Session], object], ...] = (
    applied_files.read,
    lambda server: applied_files.write(server, "default", "20260101_000000", [applying("1.sql", "a")]),
)


@pytest.mark.every_major
def test_anything_but_the_plain_table_is_refused_before_it_is_read_or_written(database: Database) -> None:
    database.admin("CREATE ROLE mallory")
    database.sql(TRAP)
    for case, planted in HOSTILE.items():
        database.sql(planted)
        for use in USES:
            with session(database.target, WRITING) as server, pytest.raises(Refused, match="cannot be trusted"):
                use(server)
        assert database.sql("SELECT count(*) FROM sprung") == "0", case
        database.sql(
            "DROP SCHEMA pgsafe CASCADE; DROP TABLE IF EXISTS o; DROP FUNCTION IF EXISTS i; DROP DOMAIN IF EXISTS d"
        )
    database.sql("DROP TABLE sprung")
    database.admin("DROP ROLE mallory")


@pytest.mark.every_server
def test_the_record_is_made_written_and_read(database: Database) -> None:
    database.admin("CREATE ROLE app")
    database.sql(
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app; ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO PUBLIC"
    )
    with session(database.target, WRITING) as server:
        assert applied_files.read(server) == []
        applied_files.write(server, "default", "20260101_000000", [applying("1.sql", "a")])
        assert applied_files.read(server) == []
        applied_files.mark_verified(server, "20260101_000000")
        applied_files.write(server, "other", "20260201_000000", [applying("2.sql", "b")])
        (found,) = applied_files.read(server)
        assert (found.set_name, found.name, found.sha256) == ("default", "1.sql", "a" * 64)
        assert found.run_id == "20260101_000000"
    database.sql("DROP OWNED BY app CASCADE")
    database.admin("DROP ROLE app")
