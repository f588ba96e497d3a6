# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Under ansible-runner: a terminal that nobody sits at, and an end by SIGKILL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner  # type: ignore[import-untyped]  # ships no types
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, SLEEPING, Database, ours, write_set
from ansible_collections.pgsafe.migration.tests.server.test_play_interrupted import require_whole
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

EXAMPLES = COLLECTION / "examples"
SLOW = {"1.sql": "ALTER TABLE customers ADD grade int;\n", "2.sql": "SELECT pg_sleep(600);\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "backups"
    found.mkdir(mode=0o700)
    return found


@dataclass(frozen=True)
class Job:
    """How a job ended, all that it said, and what it leaves for the next one."""

    status: str
    said: str
    artifacts: dict[str, Any]


def run(ansible: Ansible, variables: dict[str, object], **options: Any) -> Job:
    """A job of the project that is in examples/with_awx."""
    hosts = json.loads(Path(ansible.inventory({"one": variables})).read_text())
    done = ansible_runner.run(
        private_data_dir=str(ansible.home),
        playbook=str(EXAMPLES / "with_awx" / "migrate.yml"),
        inventory=hosts,
        envvars=ansible.environment(),
        quiet=True,
        **options,
    )
    with done.stdout as said:
        ends = [event["event_data"] for event in done.events if event["event"] == "playbook_on_stats"]
        return Job(done.status, said.read(), ends[-1]["artifact_data"] if ends else {})


def test_nobody_is_asked_where_nobody_sits(ansible: Ansible, database: Database, root: Path) -> None:
    before = database.fingerprint()
    variables = database.variables(root, write_set(ansible.home / "set", GOOD))
    job = run(ansible, variables, settings={"idle_timeout": 300})
    assert job.status == "failed", job.said
    assert "It could not be confirmed: This is an unattended job." in " ".join(job.said.split())
    assert "proceed? (yes/NO)" not in job.said
    left = job.artifacts["pgsafe"]["one"]
    assert (left["database"], left["verdict"]) == (database.name, "refused")
    assert "It could not be confirmed" in left["what_failed"]
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == set()


def test_a_confirmed_job_migrates_and_draws_nothing_again(ansible: Ansible, database: Database, root: Path) -> None:
    variables = database.variables(root, write_set(ansible.home / "set", GOOD))
    job = run(ansible, {**variables, "pg_migrate_confirm": database.name})
    assert job.status == "successful", job.said
    assert "migrated and verified" in job.said
    assert "\x1b[K" not in job.said
    assert "\r" not in job.said.replace("\r\n", "\n")
    left = job.artifacts["pgsafe"]["one"]
    assert (left["verdict"], left["what_failed"]) == ("migrated", "")
    assert (Path(left["backup_dir"]) / "manifest.json").is_file()


@pytest.mark.fault(62)
def test_a_job_that_is_cancelled_in_the_middle_is_rolled_back(ansible: Ansible, database: Database, root: Path) -> None:
    before = database.fingerprint()
    variables = database.variables(root, write_set(ansible.home / "set", SLOW))

    def in_the_middle() -> bool:
        return database.admin(SLEEPING.format(database.name)) == "1"

    job = run(ansible, {**variables, "pg_migrate_confirm": database.name}, cancel_callback=in_the_middle)
    assert job.status == "canceled", job.said
    require_whole(database, before, root)
    assert "aborting" in [entry.event for entry in journal.all_runs(root)[-1].entries()]
