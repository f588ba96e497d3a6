# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promotion of a command: what is pending by its tool, what its record holds, and that another one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import promotion
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.permit import Permit, Proven
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import ITS_TREE, Step
from ansible_collections.pgsafe.migration.plugins.modules import pg_promotion_info
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
    found: list[dict[str, object]] = promotion.look(pg_promotion_info.request(given))["pending"]
    return found


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
