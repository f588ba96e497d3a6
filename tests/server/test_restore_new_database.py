# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore to a new database: whatever its name is, exactly that database is made, or nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, databases
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

# Names that a connection string, a shell, an option or a quoted identifier would take for something else.
ODD = (
    "host=192.0.2.1 dbname=x",
    "postgresql://192.0.2.1/x",
    "-c",
    'Odd "name"',
    "it's",
    "back\\slash %s {name}",
    "naïve; DROP",
)


@pytest.mark.every_server
def test_a_database_of_any_name_is_restored_to(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    for odd in ODD:
        there, name = databases(database.server), f"{odd} {database.name}"
        done = restore.run(requests.restore(database.target, taken.directory, new_database=name))
        try:
            assert (done.state, done.database) == ("restored", name)
            assert databases(database.server) - there == {name}
            restored = database.called(name)
            assert restored.sql("SELECT count(*) FROM orders") == database.sql("SELECT count(*) FROM orders")
        finally:
            database.admin(f"""DROP DATABASE "{name.replace('"', '""')}" """)


def test_no_name_makes_a_restore_touch_another_database(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    foreign = database.called(f"{database.name}__ready_{taken.run_id}")
    database.admin(f'CREATE DATABASE "{foreign.name}"')
    database.admin(f"""COMMENT ON DATABASE "{foreign.name}" IS 'of another tool'""")
    too_long = "n" * 64
    there = databases(database.server)
    before = foreign.sql("SELECT oid FROM pg_database WHERE datname = current_database()")
    for name in ("postgres", "template0", "template1", "", " ", too_long, "a\nb", "a\0b", foreign.name, database.name):
        with pytest.raises(PgsafeError) as refused:
            restore.run(requests.restore(database.target, taken.directory, new_database=name))
        # Advice that would break the server's own databases, or another tool's, helps nobody.
        assert "template" not in str(refused.value.remedy)
        assert databases(database.server) == there, name
    assert foreign.sql("SELECT oid FROM pg_database WHERE datname = current_database()") == before
    database.admin(f'DROP DATABASE "{foreign.name}"')
