# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the unit tests look at: one manifest with every kind of value, and the facts of a healthy database."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import BackupFile, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import RestoreState, Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import Outcome
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Verification
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    SOURCE,
    Cluster,
    DatabaseProperties,
    Filesystem,
    Fingerprint,
    Identity,
    LargeObjects,
    TableState,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Wal
from ansible_collections.pgsafe.migration.plugins.module_utils.prediction import Prediction
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import (
    BackupSize,
    ClosedCopy,
    Directory,
    Facts,
    Role,
    Wanted,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks import check as restore_check
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.rollback import Restored
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

GIB = 1 << 30

MANIFEST = Manifest(
    run_id="20261116_143022",
    created="2026-11-16T14:30:22Z",
    backup_type="pre-migration",
    source_url="postgresql://app@db1:5432/app",
    identity=Identity("7561234567890123456", 16384, "app", 1),
    server_version=150018,
    server_version_text="15.18",
    tools_version="15.18",
    snapshot_lsn="0/1A2B3C4D",
    database_bytes=8_675_309,
    tuples_written=42,
    statistics="2026-01-01 00:00:00.000000",
    files=(
        BackupFile("full_backup.dump", "dump", 1_048_576, "a" * 64, "the archive"),
        BackupFile("full_backup.sql.gz", "sql", 524_288, "b" * 64, "the script"),
        BackupFile("members.csv", "csv", 2048, "c" * 64, "rows of public.members", "public.members", 3, "\\copy x"),
        BackupFile("meetings.csv", "csv", 1024, "d" * 64, "rows of public.meetings", "public.meetings", 1, "\\copy y"),
    ),
    fingerprint=Fingerprint(
        tables={"public.members": TableState(3, "12:34"), "public.meetings": TableState(1, "-5:6")},
        sequences={"public.members_id_seq": "3,t"},
        catalog={
            "relation": {"public.meetings": {"kind": "table"}, "public.members": {"kind": "table", "owner": "app"}},
            "extension": {},
        },
        large_objects=LargeObjects(content={"4242": "3:1:2"}),
        generation=SOURCE,
        reported={"materialized view public.m": "7 rows"},
    ),
    properties=DatabaseProperties(
        owner="app",
        creation={"ENCODING": "UTF8", "LC_COLLATE": "C.UTF-8"},
        tablespace="pg_default",
        connection_limit=-1,
        comment=None,
        acl=(("", "CONNECT", False), ("app", "CREATE", True)),
        template=False,
        settings=(("", "search_path=public"), ("app", "work_mem=64MB")),
    ),
    cluster=Cluster(
        objects={
            "role": {"app": "inherit, login, connection limit -1", "postgres": "superuser, inherit, login"},
            "membership": {},
            "tablespace": {"fast": "at /fast, owner postgres"},
            "database": {"postgres": "OID 5, owner postgres"},
            "setting of all roles": {},
        },
        needs={"role": ("app",), "tablespace": ("fast",)},
    ),
    left_out={"public.recent": "view"},
    findings={"invalid_indexes public.broken": 1},
    compression={"method": "gzip", "level": 1, "content_checksum": True},
    warnings=("a session waited",),
    preload_libraries="pg_stat_statements",
    losses={"materialized views are refreshed, not restored": ("public.m",)},
    seconds={"snapshot_held": 1.5, "fingerprint": 2.5},
)

MIB = 1 << 20

# What both families of checks look at, of a healthy database.
SERVER: dict[str, Any] = {
    "server_version": 150018,
    "server_version_text": "15.18",
    "database": "app",
    "oid": 16384,
    "standby": False,
    "followed": "",
    "role": Role("app", False, True, True, True, False, frozenset({"app"})),
    "wanted": Wanted("the database app", 10 * GIB, {}, ("app",), (), (), (), (), ()),
    "data_filesystem": Filesystem("/data", 100 * GIB, 2, 10_000_000),
    "stated_free_bytes": None,
    "wal": Wal("replica", 0, GIB, None, (), (), None, Filesystem("/data/pg_wal", 100 * GIB, 2, 10_000_000)),
    "present_roles": ("app",),
    "powerful_roles": (),
    "usable_tablespaces": {},
    "extensions": {},
    "prepared_transactions": (),
    "subscriptions": (),
    "sessions": (),
    "superusers_sessions": (),
    "settings": (),
    "login_events": (),
    "not_seen": (),
}

FACTS = Facts(
    **SERVER,
    tools_version="15.18",
    tools_problem="",
    database_bytes=10 * GIB,
    tables=7,
    lockable_tables=9,
    relations=400,
    largest_tables={"public.members": 9 * GIB},
    missing_tables=(),
    backup_size=BackupSize("sample", GIB, GIB, 6 * GIB, MIB, 20),
    backup_root=Directory("/backups", exists=True, writable=True, mode=0o700, owner=0, link=False),
    backup_filesystem=Filesystem("/backups", 100 * GIB, 1, 10_000_000),
    proof="verified_copy",
    proof_reason="there is room",
    proof_filesystem=None,
    fence="read_only+closed",
    fence_reason="as it was asked for",
    closed_copy=ClosedCopy(),
    followed_copy=(),
    thresholds=requests.THRESHOLDS,
    copy_places=(),
    copy_stores=(),
    copy_encryption=(),
    controller_places=(),
    publications=(),
    other_histories=(),
    unreadable=(),
    hidden_rows=(),
    left_out=(),
    not_dumped=(),
    bare_languages=(),
    removed_functions=(),
    owner_code=(),
    reordered_tables=(),
    not_given_back=(),
    roles_that_write=(),
    lock_capacity=6400,
    lock_waits=(),
    unfinished_runs=(),
    runs_at_work=(),
    invalid_databases=(),
    left_probes=(),
    checksum_failures=None,
    track_counts=True,
    old_snapshot_threshold="-1",
    managed_by="",
    job_container="",
    pooler="none",
    access_problems=(),
    keep_copy_seconds=0.0,
    session_role=None,
    predictions=(
        Prediction("closed+copied", 4.5, 4.5, 4.5, "assumed rates", by_hand="copying is not allowed"),
        Prediction("read_only+closed", 90.0, 135.0, 0.5, "the last backup"),
        Prediction("followed+closed", why_not="wal_level is replica (set it)"),
    ),
)

RESTORE_FACTS = restore_check.Facts(
    **{
        **SERVER,
        "wanted": Wanted("the backup", MANIFEST.database_bytes, {}, ("app",), (), (), (), (), (), "/b/globals.sql"),
    },
    intent=restore_check.Intent(MANIFEST, "app", ("app__restored_1", "app__failed_1"), "/b/globals.sql"),
    changed=(),
    taken=(),
)

NOTHING_FOUND = Verification(
    tables=(),
    deltas=(),
    objects=(),
    outside=(),
    checked=(),
    unanalysed=(),
    kept=(),
    problems=(),
    warnings=(),
)

_ROWS = {"public.members": 12_857}
ROLLED_BACK = Restored(RestoreState.ROLLED_BACK, "app", "archive", "app__failed_1", (), 3, _ROWS, 4.2)
OUTCOME = Outcome(Verdict.ROLLED_BACK, ("a.sql",), 2, 0, 4.2, rollback=ROLLED_BACK)


def ticked(lines: list[str]) -> list[str]:
    """Of the lines of the console, those of what was done."""
    return [line for line in lines if line.startswith("[✓]")]
