# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One host of many fails, or is lost, in each phase: the others of its batch are finished, the next not begun."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.tests.server.backup_support import tools_with
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    finish,
    require_open,
    write_set,
)

REFUSED = "refused: nothing was changed"

# A program that does all but what this argument asks of it.
_WITHOUT = """#!/bin/sh
case "$*" in *{argument}*) echo "a fault of the test" >&2; exit 1 ;; esac
exec {real} "$@"
"""


def without(place: Path, database: Database, program: str, argument: str) -> str:
    real = database.server.bin_dir
    return str(tools_with(place, real, program, _WITHOUT.format(argument=argument, real=real / program)))


@pytest.mark.long
@pytest.mark.fault(76)
def test_one_host_fails_in_each_phase(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    faults: dict[str, dict[str, Any]] = {
        "Preflight": {"pg_migrate_expected_tables": ["nowhere"]},
        "Plan": {"pg_migrate_command": {"argv": ["true"], "pending": ["false"], "pending_text": "waits"}},
        "Audit": {"pg_migrate_audit": {"rules": [{"name": "none", "sql": "SELECT 1", "severity": "error"}]}},
        "Fence": {"pg_migrate_hooks": {"before_fence": [["false"]]}},
        "Backup": {"bin_dir": without(tmp_path / "dump", database, "pg_dump", "--snapshot=")},
        "Verify": {"bin_dir": without(tmp_path / "restore", database, "pg_restore", "--dbname=*full_backup.dump")},
        "Copy": {
            "pg_migrate_copy_to": [{"path": str(tmp_path / "missing")}],
            "pg_migrate_waive": {"checks": {"copy_places": "a fault of the test"}},
        },
        "Migrate": {"pg_migrate_source": str(broken)},
    }
    databases = {**{name: clone("small") for name in faults}, "fine": database, "next": clone("small")}
    hosts: dict[str, dict[str, Any]] = {}
    for name, found in databases.items():
        given = dict(faults.get(name, {}))
        way = {"bin_dir": given.pop("bin_dir")} if "bin_dir" in given else {}
        source = None if "pg_migrate_command" in given else good
        hosts[name] = {**found.variables(backup_root, source, **way), **given}
    before = {name: found.fingerprint() for name, found in databases.items()}
    names = [found.name for found in databases.values()]
    batches = {"pg_migrate_serial": [len(hosts) - 1, 1], "pg_migrate_confirm": names}
    played = ansible.play(hosts, "-e", json.dumps(batches), "--forks", "4")
    assert played.status == 2, played.output
    verdicts = {name: played.verdict(name) for name in hosts}
    assert verdicts == {
        **dict.fromkeys([*faults, "next"], REFUSED),
        "Migrate": "rolled back: the database is as it was before",
        "fine": "migrated and verified",
    }, played.output
    assert {name for name, found in databases.items() if found.fingerprint() != before[name]} == {"fine"}
    for found in databases.values():
        require_open(found)
    # The report says of each where it failed.
    assert failed_in(ansible) == {**{name: name for name in faults}, "fine": "", "next": "Gate"}


def failed_in(ansible: Ansible) -> dict[str, str]:
    (directory,) = (ansible.home / "pgsafe" / "reports").iterdir()
    found = json.loads((directory / "report.json").read_text())["hosts"]
    return {one["host"]: next((step["step"] for step in one["steps"] if not step["well"]), "") for one in found}


# What a host has when it comes to a phase, and had not before.
LOST_IN = {
    "Plan": "pg_migrate_preflight.ansible_facts",
    "Audit": "pg_migrate_plan.files",
    "Fence": "pg_migrate_audited.audit",
    "Backup": "pg_migrate_raised.run_id",
    "Verify": "pg_migrate_backed_up.backup_dir",
    "Migrate": "pg_migrate_proved.reached",
}


@pytest.mark.long
@pytest.mark.fault(77)
def test_one_host_is_lost_in_each_phase(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    good = write_set(ansible.home / "good", GOOD)
    databases = {**{name: clone("small") for name in LOST_IN}, "fine": database, "next": clone("small")}
    hosts = {name: found.variables(backup_root, good) for name, found in databases.items()}
    for name, had in LOST_IN.items():
        way = f"{{{{ 'ssh' if {had} | default('') else 'local' }}}}"
        hosts[name] |= {"ansible_connection": way, "ansible_host": "127.0.0.1", "ansible_port": 1}
    before = {name: found.fingerprint() for name, found in databases.items()}
    batches = {
        "pg_migrate_serial": [len(hosts) - 1, 1],
        "pg_migrate_confirm": [found.name for found in databases.values()],
        # The fence of a lost host stands until the play has ended.
        "pg_migrate_guard": {"lease": 3600},
    }
    played = ansible.play(hosts, "-e", json.dumps(batches), "--forks", "4")
    assert played.status & 4, played.output
    verdicts = {name: played.verdict(name) for name in hosts}
    lost = dict.fromkeys(LOST_IN, "unreachable")
    assert verdicts == {**lost, "fine": "migrated and verified", "next": REFUSED}, played.output
    for name in LOST_IN:
        for run in (run for run in journal.all_runs(backup_root) if run.database == databases[name].name):
            finish(databases[name], run)
        require_open(databases[name])
    assert {name for name, found in databases.items() if found.fingerprint() != before[name]} == {"fine"}
