# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the unit tests look at: one manifest with every kind of value, and the facts of a healthy database."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Directory, Facts, Filesystem, Role
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import BackupFile, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    SOURCE,
    Cluster,
    DatabaseProperties,
    Fingerprint,
    Identity,
    LargeObjects,
    TableState,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks import check as restore_check
from ansible_collections.pgsafe.migration.plugins.module_utils.wal import Wal

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
        settings=(("", "search_path=public"), ("app", "work_mem=64MB")),
    ),
    cluster=Cluster(
        objects={
            "role": {"app": "inherit, login, connection limit -1", "postgres": "superuser, inherit, login"},
            "membership": {},
            "tablespace": {"fast": "at /fast, owner postgres"},
            "database": {"postgres": "OID 5, owner postgres"},
        },
        needs={"role": ("app",), "tablespace": ("fast",)},
    ),
    left_out={"public.recent": "view"},
    findings={"invalid_indexes public.broken": 1},
    compression={"method": "gzip", "level": 1, "content_checksum": True},
    warnings=("somebody waited",),
    preload_libraries="pg_stat_statements",
    seconds={"snapshot_held": 1.5, "fingerprint": 2.5},
)

FACTS = Facts(
    database="app",
    server_version=150018,
    server_version_text="15.18",
    tools_version="15.18",
    tools_problem="",
    database_bytes=10 * GIB,
    tables=7,
    backup_root=Directory("/backups", exists=True, writable=True, mode=0o700, owner=0, link=False),
    backup_filesystem=Filesystem("/backups", 100 * GIB, 1),
    data_filesystem=Filesystem("/data", 100 * GIB, 2),
    role=Role("app", superuser=False, createdb=True, owns_database=True, may_signal=True),
    standby=False,
    sessions=(),
    prepared_transactions=(),
    logical_slots=(),
    subscriptions=(),
    unfinished_runs=(),
    disk_factor=2.0,
    restore_level=True,
)

RESTORE_FACTS = restore_check.Facts(
    intent=restore_check.Intent(MANIFEST, "app", ("app__restored_1", "app__failed_1"), "/b/globals.sql"),
    server_version=150018,
    server_version_text="15.18",
    standby=False,
    role=restore_check.Role("postgres", True, True, True, True, False, frozenset({"postgres", "app"})),
    cluster=MANIFEST.cluster.objects,
    changed=(),
    extensions={},
    data_filesystem=Filesystem("/data", 100 * GIB, 2),
    wal=Wal("replica", 0, GIB, None, (), (), None, Filesystem("/data/pg_wal", 100 * GIB, 2)),
)
