# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups by roles that are no superuser: all of the rows or an error with a remedy, and no setting cuts them short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import QueryFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    Roles,
    as_role,
    by_archive,
    differences,
    in_progress,
    new_roles,
    refused,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

import pgserver

HIDDEN = """
CREATE TABLE secrets (owner text, body text);
INSERT INTO secrets VALUES ('reader', 'mine'), ('somebody', 'not mine');
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON secrets USING (owner = current_user);
"""

# Whether the session with the snapshot has had nothing to do, in its transaction, for longer than its role's limits.
IDLE = """
SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = '{}' AND application_name ^@ 'pgsafe backup'
   AND state = 'idle in transaction' AND clock_timestamp() - state_change > interval '0.4 s'
"""


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.mark.fault(11)
@pytest.mark.every_major
@pytest.mark.parametrize("csv", [("*",), ()], ids=["csv", "no csv"])
def test_row_level_security_is_an_error_with_a_remedy_and_never_fewer_rows(
    roles: Roles, database: Database, backup_root: Path, csv: tuple[str, ...]
) -> None:
    database.sql(HIDDEN)
    target = as_role(database, roles("reader", "IN ROLE pg_read_all_data"))
    with session(target) as reader, pytest.raises(QueryFailed, match="row-level security"):
        fingerprint.take(reader)
    failure = refused(request(database, backup_root, target=target, csv=csv))
    assert "row-level security" in failure.what
    assert "secrets" in failure.what
    assert "BYPASSRLS" in failure.remedy


@pytest.mark.fault(11)
def test_a_forced_policy_does_not_hide_rows_from_the_owner_s_backup(
    roles: Roles, database: Database, backup_root: Path
) -> None:
    owner = roles("keeper", "IN ROLE pg_read_all_data")
    database.sql(f"{HIDDEN} ALTER TABLE secrets OWNER TO {owner}; ALTER TABLE secrets FORCE ROW LEVEL SECURITY")
    failure = refused(request(database, backup_root, target=as_role(database, owner)))
    assert "row-level security" in failure.what
    assert failure.remedy.endswith("ALTER TABLE … NO FORCE ROW LEVEL SECURITY.")
    database.sql("ALTER TABLE secrets NO FORCE ROW LEVEL SECURITY")
    taken = backup.run(request(database, backup_root, target=as_role(database, owner)))
    assert differences(taken.manifest, database) == ()


@pytest.mark.fault(11)
@pytest.mark.every_major
def test_a_role_that_passes_row_level_security_backs_up_every_row(
    roles: Roles, database: Database, backup_root: Path
) -> None:
    database.sql(HIDDEN)
    target = as_role(database, roles("reader", "BYPASSRLS IN ROLE pg_read_all_data"))
    taken = backup.run(request(database, backup_root, target=target))
    assert differences(taken.manifest, database) == ()
    assert (taken.directory / "secrets.csv").read_text() == "owner,body\nreader,mine\nsomebody,not mine\n"
    assert differences(taken.manifest, by_archive(database, taken)) == ()


@pytest.mark.fault(12)
@pytest.mark.parametrize("relation", ["customers", "orders_2026", "customers_id_seq"])
def test_a_relation_that_may_not_be_read_is_named(
    roles: Roles, database: Database, backup_root: Path, relation: str
) -> None:
    reader = roles("reader", "")
    database.sql('CREATE SCHEMA other; GRANT USAGE ON SCHEMA public, "Odd Schema" TO PUBLIC')
    database.sql(
        'GRANT SELECT ON ALL TABLES IN SCHEMA public, "Odd Schema" TO PUBLIC;'
        'GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, "Odd Schema" TO PUBLIC;'
        f"REVOKE SELECT ON {relation} FROM PUBLIC"
    )
    failure = refused(request(database, backup_root, target=as_role(database, reader)))
    assert "permission denied" in failure.what or "lack SELECT privilege" in failure.what
    assert relation in failure.what
    assert "have the owner" in failure.remedy
    assert "pg_read_all_data" not in failure.remedy


@pytest.mark.every_major
def test_time_limits_of_the_role_and_of_the_database_do_not_end_a_backup(
    roles: Roles, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    reader = roles("hurried", "IN ROLE pg_read_all_data")
    limits = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout"]
    limits += ["transaction_timeout"] * (database.server.installation.major >= 17)
    database.sql("".join(f"ALTER ROLE {reader} SET {limit} = '150ms';" for limit in limits))
    database.sql("".join(f"ALTER DATABASE {database.name} SET {limit} = '150ms';" for limit in limits))
    database.sql(f"ALTER ROLE {reader} SET datestyle = 'SQL, DMY'; ALTER ROLE {reader} SET row_security = on")
    with in_progress(request(database, backup_root, target=as_role(database, reader)), tmp_path / "tools") as taking:
        until(lambda: database.admin(IDLE.format(database.name)) == "t", "longer than the limits has passed")
        taken = taking.finish()
    for limit in limits:
        database.sql(f"ALTER DATABASE {database.name} RESET {limit}")
    assert differences(taken.manifest, by_archive(database, taken)) == ()
