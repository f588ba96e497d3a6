# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fleet as the callback hands it on: a canary that is migrated, one rolled back, one lost, one not reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.plugin_utils.fleet_report import Gathering, Task

BEGAN = datetime(2026, 11, 28, 14, 30, 22, tzinfo=timezone.utc)

# A name and a message that no form of the report may obey.
HOSTILE = "<script>alert(1)</script>]]>&\"'\x00\x1b[31m\u202egnp.exe\u2066\ufffe\udc80\nVERDICTS"

TASKS = {
    "Gate": "ansible.builtin.set_fact",
    "Preflight": "pgsafe.migration.pg_preflight_facts",
    "Plan": "pgsafe.migration.pg_migration_apply",
    "Audit": "pgsafe.migration.pg_audit_info",
    "Fence": "pgsafe.migration.pg_fence",
    "Backup": "pgsafe.migration.pg_backup",
    "Verify": "pgsafe.migration.pg_backup_verify",
    "Migrate": "pgsafe.migration.pg_migration_apply",
    "Finish": "pgsafe.migration.pg_recover",
    "Batch": "pgsafe.migration.pg_batch_rollback",
    "Report": "ansible.builtin.set_fact",
}

_FILES = ("001_create_members.sql", "002_move_members.sql", "003_switch_to_members.sql")
_LOCKS = [
    {"table": "public.community_members", "mode": "ACCESS EXCLUSIVE"},
    {"table": "public.messages", "mode": "ACCESS EXCLUSIVE"},
    {"table": "public.events", "mode": "SHARE ROW EXCLUSIVE"},
]
_RUNS: list[dict[str, Any]] = [
    {"name": name, "seconds": 0.1 + place, "failed": False, "locks": _LOCKS if place else []}
    for place, name in enumerate(_FILES)
]


class Fleet:
    """Tasks on hosts; each takes as many seconds as it says."""

    def __init__(self) -> None:
        self.gathering = Gathering(100.0)
        self.clock = 100.0
        self.hosts: list[str] = []

    def batch(self, *hosts: str) -> None:
        self.gathering.batch(hosts)

    def run(self, host: str, step: str, seconds: float = 1.0, well: bool = True, **said: Any) -> None:
        self.gathering.start(host, self.clock)
        self.clock += seconds
        self.gathering.take(host, Task(f"{step} | A task", TASKS[step]), said, self.clock, well)

    def verdict(self, host: str, word: str, step: str = "Report") -> None:
        self.run(host, step, 0.1, ansible_facts={"pg_migrate_verdict": word})

    def end(self, host: str, verdict: Verdict, *reasons: str, database: str = "") -> None:
        self.hosts.append(host)
        well = verdict in (Verdict.MIGRATED, Verdict.UNCHANGED)
        self.gathering.end(host, verdict, well, verdict.text, reasons)
        self.gathering.name(host, database)

    def report(self, check_mode: bool = False) -> dict[str, Any]:
        return self.gathering.report(self.hosts, BEGAN, self.clock - 100.0, check_mode)

    def prepared(self, host: str, database: str) -> None:
        """Everything before the migration."""
        self.verdict(host, "refused", "Gate")
        facts = {"database": database, "server_version_text": "18.6", "fence": FENCE, "predictions": PREDICTIONS}
        self.run(host, "Preflight", 1.4, ansible_facts={"pg_preflight": facts})
        self.run(host, "Plan", 0.8, files=list(_FILES), newest="000_baseline.sql", versions=[])
        self.run(host, "Audit", 1.1, audit=AUDIT)
        self.run(host, "Fence", 0.9)
        self.run(host, "Backup", 3.2, run_id="20261128_143029", backup_dir=BACKUP_DIR, bytes=12582912, rows=ROWS)
        self.run(host, "Verify", 4.1, reached="restore", restore_seconds=2.3, not_given_back=[])


RETAINED: dict[str, Any] = {"retained_copy": "community_connect__ready_1", "retained_until": "2026-11-29 14:30 UTC"}
LOST = "Since the verdict, 12 rows were written"
FENCE = "read_only+closed"
PREDICTIONS: list[dict[str, Any]] = [
    {"kind": FENCE, "without_writes": 6.1, "without_writes_most": 51.1, "without_service": 0.5}
    | {"basis": "the last backup", "why_not": "", "by_hand": ""}
]
BACKUP_DIR = "/var/backups/pgsafe/community_connect/migration_20261128_143029"
ROWS = {"public.community_members": 1247, "public.messages": 7646, "public.events": 3964}
AUDIT = {
    "rows": ROWS,
    "findings": [
        {
            "severity": "warning",
            "rule": "members_without_phone",
            "subject": "",
            "what": "Rule members_without_phone: 55 rows found, at most 0 expected.",
            "remedy": "Ask these members for their number before a migration requires one.",
            "count": 55,
            "samples": ["3", "26"],
            "waived": "",
        }
    ],
}


def verification(**others: Any) -> Mapping[str, Any]:
    same = {"expectation": "", "verdict": "same"}
    tables = [{"table": name, "before": rows, "after": rows, **same} for name, rows in ROWS.items()]
    members = {"table": "public.members", "before": None, "after": 1247, "expectation": "", "verdict": "new"}
    return {
        "passed": True,
        "problems": [],
        "warnings": ["The table public.members has no statistics."],
        "promotion": "",
        "files": [
            {"name": name, "kind": "applied", "seconds": 0.1 + place, "reason": ""} for place, name in enumerate(_FILES)
        ],
        "tables": [*tables, members],
        "findings": [
            {"how": "fixed", "severity": "", "key": "no_primary_key public.events", "what": "", "remedy": ""}
            | {"before": 1, "after": 0}
        ],
        "assertions": [{"name": "every member has a name", "passed": True, "said": ""}],
        "objects": [{"how": "added", "kind": "table", "name": "public.members", "facts": []}],
        "outside": [],
        "unanalysed": [{"table": "public.members", "statement": "ANALYZE public.members;"}],
        **others,
    }


def sample() -> dict[str, Any]:
    fleet = Fleet()
    fleet.batch("db1.example.org")
    fleet.prepared("db1.example.org", "community_connect")
    done: dict[str, Any] = {"verdict": "migrated", "verification": verification()}
    done.update(seconds_read_only=9.3, seconds_closed=0.5, seconds_migrating=0.4, seconds_asking=2.0)
    fleet.run("db1.example.org", "Migrate", 1.2, applied=list(_FILES), file_runs=_RUNS, **done)
    fleet.verdict("db1.example.org", "migrated")
    fleet.batch("db2.example.org", "db3.example.org")
    fleet.prepared("db2.example.org", "community_connect_north")
    fleet.run("db2.example.org", "Migrate", 2.4, well=False, **_undone())
    fleet.verdict("db2.example.org", "rolled_back")
    fleet.verdict("db3.example.org", "refused", "Gate")
    fleet.run("db3.example.org", "Preflight", 10.0, well=False)
    fleet.end("db1.example.org", Verdict.MIGRATED)
    fleet.end("db2.example.org", Verdict.ROLLED_BACK, *_FAILED)
    lost = "ssh: connect to host db3 port 22: Connection refused"
    fleet.end("db3.example.org", Verdict.UNREACHABLE, lost, database="community_connect_east")
    fleet.end("db4.example.org", Verdict.NOT_REACHED, database="community_connect_south")
    return fleet.report()


_FAILED = (
    'psql ended with status 3: psql:003_switch_to_members.sql:15: ERROR:  column "phone" contains null values',
    "The database is as it was before.",
    "Fix the cause, then run the same command again.",
)


def _undone() -> dict[str, Any]:
    kept = "community_connect_north__failed_20261128_143029"
    rollback = {"seconds": 0.4, "method": "verified_copy", "kept": kept, "rows": ROWS}
    return {
        "verdict": "rolled_back",
        "applied": list(_FILES[:2]),
        "file_runs": [
            {**ran, "failed": True, "locks": None} if ran["name"] == _FILES[-1] else ran for ran in _RUNS
        ],
        "seconds_read_only": 11.2,
        "seconds_closed": 2.1,
        "seconds_migrating": 1.9,
        "verification": {},
        "rollback": rollback,
        "not_given_back": ["materialized view public.city_activity: 20 rows instead of 19 rows"],
    }


def hostile() -> dict[str, Any]:
    """A target that names and says what no form of the report may obey."""
    fleet = Fleet()
    fleet.batch(HOSTILE)
    fleet.prepared(HOSTILE, HOSTILE)
    names = {"table": HOSTILE, "name": HOSTILE, "kind": HOSTILE, "how": HOSTILE, "what": HOSTILE, "verdict": HOSTILE}
    found = verification(tables=[names], objects=[names], findings=[names], problems=[HOSTILE], files=[names])
    fleet.run(HOSTILE, "Migrate", 1.0, verification=found, rollback={"kept": HOSTILE}, not_given_back=[HOSTILE])
    fleet.end(HOSTILE, Verdict.ROLLED_BACK, HOSTILE)
    return fleet.report()
