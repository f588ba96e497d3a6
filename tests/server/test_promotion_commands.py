# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promotion of a command and of tasks: what is pending, what the record holds, and that another one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import promotion
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.permit import Permit, Proven
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import ITS_TREE, Step
from ansible_collections.pgsafe.migration.plugins.modules import pg_promotion_info
from ansible_collections.pgsafe.migration.tests.server.interruptions import own_tasks
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database, proven, request
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters


def pending(database: Database, **options: object) -> list[dict[str, object]]:
    """What promotion would ask a record of."""
    connection = {
        "login_db": database.name,
        "login_user": database.target.params["user"],
        "login_unix_socket": database.target.params["host"],
        "login_port": database.target.params["port"],
    }
    given = parameters(pg_promotion_info, **connection, command=["true"], **options)
    found: Any = promotion.look(pg_promotion_info.request(given))["pending"]
    return list(found)


@pytest.mark.fault(80)
def test_a_command_has_to_have_passed_with_its_tree(database: Database, backup_root: Path, tmp_path: Path) -> None:
    # Where the tool says that nothing is pending, no record is asked for.
    assert pending(database, pending_command=["echo", "none"], pending_text="waits") == []
    (step,) = pending(database, pending_command=["echo", "one waits"], pending_text="waits")
    assert step["name"] == "true"
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("a")
    psql = (str(database.server.bin_dir / "psql"), "-Xc", "ALTER TABLE customers ADD grade integer")
    source = SetSource(command=psql, tree=tree)
    found = source.preview()
    passed = Step(found.steps[0], found.digest, ((ITS_TREE, found.tree.digest),))
    permit = Permit(("staging",), (Proven("staging", passed, "staging: a run"),))
    (tree / "a").write_text("b")
    taken = proven(database, backup_root)
    before = database.fingerprint()
    with pytest.raises(Refused, match="not in staging"):
        migrate.run(replace(request(database, taken, tree, promoted=permit), source=source))
    assert database.fingerprint() == before
    (tree / "a").write_text("a")
    migrate.run(replace(request(database, taken, tree, promoted=permit), source=source))
    held = json.loads((taken.directory / manifest.PROMOTION).read_text())
    assert [(one["name"], one["sha256"]) for one in held["steps"]] == [(passed.name, passed.sha256)]
    assert held["steps"][0]["parts"] == [{"name": ITS_TREE, "sha256": found.tree.digest}]
    assert held["steps"][0]["tree"] == [{"name": "a", "sha256": dict(found.tree.files)["a"]}]
    assert held["versions"] == []


@pytest.mark.long
@pytest.mark.fault(80)
def test_production_follows_the_command_and_the_tasks_of_staging_and_no_others(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    tree, records = tmp_path / "tree", tmp_path / "records"
    tree.mkdir()
    records.mkdir()
    (tree / "change.sql").write_text("ALTER TABLE customers ADD grade int;\n")
    psql = [str(database.server.bin_dir / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-f", str(tree / "change.sql")]
    version = "SELECT count(*) FROM pg_attribute WHERE attname = 'grade'"
    command = {"pg_migrate_command": {"argv": psql, "tree": str(tree), "version_query": version}}
    tasks = {"pg_migrate_tasks": own_tasks(ansible, database, "ALTER TABLE customers ADD part text")}
    staging = {"dir": str(records), "environment": "staging"}
    production = {"dir": str(records), "environment": "production", "required_environments": ["staging"]}

    def host(of: Database, way: Mapping[str, object], promotion: Mapping[str, object]) -> dict[str, object]:
        return {**of.variables(backup_root), **way, "pg_migrate_promotion": promotion}

    used = {name: clone("small") for name in ("live-command", "stage-tasks", "live-tasks", "late")}
    hosts = {
        "stage-command": host(database, command, staging),
        "live-command": host(used["live-command"], command, production),
        "stage-tasks": host(used["stage-tasks"], tasks, staging),
        "live-tasks": host(used["live-tasks"], tasks, production),
    }
    names = [database.name, *(found.name for found in used.values())]
    options = json.dumps({"pg_migrate_confirm": names, "pg_migrate_serial": 1, "pg_migrate_on_failure": "continue"})
    played = ansible.play(hosts, "-e", options)
    assert {played.verdict(name) for name in hosts} == {"migrated and verified"}, played.output
    kept = {path.parent.parent.name: json.loads(path.read_text()) for path in records.rglob("*.json")}
    assert [(one["before"], one["after"]) for one in kept["live-command"]["versions"]] == [("0", "1")]
    digests = {name: [step["sha256"] for step in kept[name]["steps"]] for name in kept}
    assert digests["stage-tasks"] == digests["live-tasks"] != digests["live-command"]
    assert kept["live-tasks"]["versions"] == []
    (tree / "change.sql").write_text("ALTER TABLE customers ADD grade bigint;\n")
    path = Path(str(tasks["pg_migrate_tasks"]))
    path.write_text(path.read_text().replace("part text", "part bytea"))
    late = [host(used["late"], command, production), host(used["late"], tasks, production)]
    said = {"command": "change.sql has SHA-256", "file": "the task file has SHA-256"}
    for variables, (kind, differs) in zip(late, said.items()):
        refused = ansible.play({"late": variables}, "-e", options)
        assert refused.verdict("late") == "refused: nothing was changed", refused.output
        assert f"is not the {kind} that staging has applied" in refused.flat, refused.output
        assert differs in refused.flat, refused.output
