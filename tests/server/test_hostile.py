# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database that shadows the catalogs is neither refused nor a way for its owner to become superuser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.own_rule import OwnRule
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import assertions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import login_triggers
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server import hostile
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, new_roles
from ansible_collections.pgsafe.migration.tests.server.hostile import Hostile
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    fenced,
    planned,
    request,
    rolled_back,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

pytestmark = pytest.mark.every_server


@pytest.fixture
def trapped(server: pgserver.Server, clone: Callable[[str], Database]) -> Iterator[Hostile]:
    yield from hostile.untouched(server, clone)


OWN = OwnRule("much", "SELECT id FROM orders WHERE amount OPERATOR(pg_catalog.>) 1000")
ASSERTED = [
    {"name": "path", "sql": "SELECT pg_catalog.current_setting('search_path')", "expected": "public, pg_catalog"},
    {"name": "none", "rows_that_must_not_exist": "SELECT name FROM shops WHERE id OPERATOR(pg_catalog.<) 0"},
]
GOOD = {
    "1.sql": "ALTER TABLE shops ADD COLUMN grade integer DEFAULT 1;",
    "2.sql": "-- pgsafe: no-transaction\nCREATE INDEX CONCURRENTLY shops_grade ON shops (grade);",
}
BROKEN = {**GOOD, "3.sql": "TRUNCATE orders;\nSELECT nothing;"}


def test_a_shadowed_database_is_looked_at_as_any_other(trapped: Hostile, backup_root: Path) -> None:
    target = trapped.database.target
    assert look(trapped.database, backup_root, probe=True).errors == ()
    found = audit.run(requests.audit(target, (OWN,)))
    told = {finding.rule: finding.count for finding in found.findings}
    assert told == {"malformed_emails": 28, "much": 100, "no_primary_key": 1, "not_valid_constraints": 1}
    asserted = assertions.check(login_triggers.silenced(target), assertions.typed(ASSERTED), "assert")
    assert [checked.problem for checked in asserted] == ["", ""]


def test_a_shadowed_database_is_migrated(trapped: Hostile, backup_root: Path, tmp_path: Path) -> None:
    taken, source = fenced(trapped.database, backup_root), write_set(tmp_path / "set", GOOD)
    assert planned(trapped.database, SetSource(source)).pending
    wanted = Wanted(assertions=assertions.typed(ASSERTED))
    assert migrate.run(request(trapped.database, taken, source, wanted=wanted)).verdict == "migrated"
    assert not planned(trapped.database, SetSource(source)).pending


def test_a_shadowed_database_is_rolled_back_and_restored_beside(
    trapped: Hostile, backup_root: Path, tmp_path: Path
) -> None:
    database = trapped.database
    taken, beside = fenced(database, backup_root, proof="scratch"), f"{database.name}_before"
    rolled_back(request(database, taken, write_set(tmp_path / "set", BROKEN)), database)
    done = restore.run(requests.restore(database.target, taken.directory, new_database=beside))
    assert (done.state, done.database, done.failures) == ("restored", beside, ())
    database.admin(f"DROP DATABASE {beside}")


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def test_a_cast_of_the_catalogs_types_that_calls_the_owner_s_function_is_refused(
    server: pgserver.Server, role: Roles, clone: Callable[[str], Database], backup_root: Path
) -> None:
    database = clone("template0")
    owner = role(f"mallory_{database.name}", "")
    database.sql(f"""
        CREATE FUNCTION public.shown(interval) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN 'shown'; END$$;
        ALTER FUNCTION public.shown(interval) OWNER TO {owner};
        CREATE CAST (interval AS text) WITH FUNCTION public.shown(interval);
    """)
    with pytest.raises(Refused, match=r"public\.shown\(interval\)") as caught:
        look(database, backup_root)
    database.sql(caught.value.remedy.partition(": ")[2].replace("a superuser.", pgserver.SUPERUSER))
    assert look(database, backup_root).errors == ()
