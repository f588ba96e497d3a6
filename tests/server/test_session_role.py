# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A superuser connects by peer authentication, and the migration runs as the application's role, which owns all."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, new_roles
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, only
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    fenced,
    request,
    require_open,
    rolled_back,
    until,
    write_set,
)

import pgserver

CONTENT = """
CREATE TABLE shops (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
INSERT INTO shops (name) SELECT 'shop ' || i FROM generate_series(1, 50) AS i;
CREATE MATERIALIZED VIEW names AS SELECT name FROM shops;
"""
GOOD = {
    "1.sql": "CREATE SCHEMA reports; CREATE TABLE reports.visits (id bigserial); CREATE TYPE mood AS ENUM ();",
    "2.sql": "-- pgsafe: no-transaction\nCREATE INDEX CONCURRENTLY shops_name ON shops (name);",
    "3.sql": "CREATE FUNCTION half(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 / 2';",
}
BROKEN = {**GOOD, "4.sql": "DROP MATERIALIZED VIEW names; SELECT 1 / 0;"}

# But for the record of the runs, which is not the application's.
OWNERS = """
SELECT string_agg(DISTINCT pg_get_userbyid(o.owner), ' ') FROM (
    SELECT relowner, relnamespace FROM pg_class UNION ALL SELECT proowner, pronamespace FROM pg_proc
    UNION ALL SELECT typowner, typnamespace FROM pg_type UNION ALL SELECT nspowner, oid FROM pg_namespace
     WHERE nspname <> 'public') AS o (owner, schema)
  JOIN pg_namespace n ON n.oid = o.schema WHERE n.nspname NOT LIKE ALL ('{pg\\_%,information_schema,pgsafe}')
"""


@dataclass(frozen=True)
class ByPeer(Database):
    """A database that the role of an application owns, migrated by a superuser as that role.

    :param dba: the superuser, whom the server knows by the account of the test, over the unix socket.
    """

    dba: str
    app: str

    @property
    def target(self) -> Target:
        return replace(super().target, params={**super().target.params, "user": self.dba}, session_role=self.app)

    @property
    def owners(self) -> str:
        return self.sql(OWNERS)


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@contextmanager
def let_in_by_peer(server: pgserver.Server, name: str) -> Iterator[None]:
    """For the time of the block the account of the test is let in as a role, and nobody else is."""
    hba, ident = server.data_dir / "pg_hba.conf", server.data_dir / "pg_ident.conf"
    kept = {path: path.read_text() for path in (hba, ident)}
    hba.write_text(f"local all {name} peer map=dba\nhost all {name} all reject\n{kept[hba]}")
    ident.write_text(f"dba {pwd.getpwuid(os.geteuid()).pw_name} {name}\n{kept[ident]}")
    server.psql("SELECT pg_reload_conf()")
    until(
        lambda: server.psql(f"SELECT count(*) FROM pg_hba_file_rules WHERE '{name}' = ANY (user_name)") == "2", "read"
    )
    try:
        yield
    finally:
        for path, text in kept.items():
            path.write_text(text)
        server.psql("SELECT pg_reload_conf()")


@pytest.fixture
def peer(server: pgserver.Server, role: Roles, clone: Callable[[str], Database]) -> Iterator[ByPeer]:
    made = clone("template0")
    found = ByPeer(server, made.name, role(f"{made.name}_dba", "SUPERUSER"), role(f"{made.name}_app", ""))
    made.admin(f"ALTER DATABASE {made.name} OWNER TO {found.app}")
    made.sql(f"SET ROLE {found.app}; {CONTENT}")
    with let_in_by_peer(server, found.dba):
        yield found
    for name in server.psql(f"SELECT datname FROM pg_database WHERE datdba = '{found.app}'::regrole").splitlines():
        server.psql(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_run_by_peer_leaves_all_to_the_application(ansible: Ansible, peer: ByPeer, backup_root: Path) -> None:
    source = write_set(backup_root.parent / "set", GOOD)
    variables = peer.variables(backup_root, source, login_user=peer.dba, session_role=peer.app)
    played = ansible.play({"one": {**variables, "pg_migrate_confirm": peer.name}})
    assert played.status == 0, played.output
    assert played.verdict("one") == "migrated and verified"
    assert peer.owners == peer.app
    require_open(peer)


def test_a_failed_migration_as_the_application_is_rolled_back(peer: ByPeer, backup_root: Path, tmp_path: Path) -> None:
    taken = fenced(peer, backup_root)
    rolled_back(request(peer, taken, write_set(tmp_path / "set", BROKEN)), peer)
    assert peer.owners == peer.app


def test_a_command_runs_as_the_application(peer: ByPeer, backup_root: Path, tmp_path: Path) -> None:
    taken = fenced(peer, backup_root, proof="scratch")
    source = SetSource(command=(f"{peer.target.bin_dir}/psql", "-c", "CREATE TABLE made ()"), tree=tmp_path)
    outcome = migrate.run(replace(request(peer, taken, tmp_path), source=source))
    assert outcome.verdict == "migrated"
    assert peer.owners == peer.app


def test_a_role_that_the_migration_cannot_run_as_is_told_before_anything_is_done(
    peer: ByPeer, role: Roles, backup_root: Path
) -> None:
    assert look(peer, backup_root).errors == ()
    absent = replace(peer.target, session_role="nowhere")
    assert "does not exist" in only(look(peer, backup_root, absent), "session_role").what
    plain = role(f"{peer.name}_plain", "")
    by_plain = replace(peer.target, params={**peer.target.params, "user": plain})
    advice = only(look(peer, backup_root, by_plain), "session_role").remedy
    assert advice.startswith(f'GRANT "{peer.app}" TO "{plain}"')
    peer.admin(advice.partition(",")[0])
    assert "session_role" not in {problem.check for problem in look(peer, backup_root, by_plain).problems}


def test_advice_is_for_the_role_that_connects_whatever_the_database_says(
    peer: ByPeer, role: Roles, backup_root: Path
) -> None:
    other = role(f"{peer.name}_other", "")
    peer.admin(f"ALTER DATABASE {peer.name} SET role = {other}; ALTER ROLE {peer.dba} SET role = {other}")
    found = look(peer, backup_root)
    assert (found.facts.role.name, found.errors) == (peer.dba, ())
