# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays whose target is the container of their own job: what they start there ends with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    CONTAINED,
    GOOD,
    SLEEPING,
    Database,
    backends,
    everything,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import terminal
from ansible_collections.pgsafe.migration.tests.server.test_guard import require_whole
from ansible_collections.pgsafe.migration.tests.server.test_play_interrupted import SLOW
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

pytestmark = pytest.mark.container

REASON = "The volume stays, and an operator watches the job"
ACCEPTED = {"pg_migrate_waive": {"checks": {"execution_environment": REASON}}}

# How the first process of a container calls a play, or is one.
FIRST = {"ansible": [], "a shell": ["sh", "-c", '"$@"; exit $?', "sh"]}


def argv(ansible: Ansible, given: dict[str, object], first: str = "ansible") -> list[str]:
    play = ["ansible-playbook", "pgsafe.migration.migrate", "-i", ansible.inventory({"one": given})]
    return [*CONTAINED, *FIRST[first], *play]


def variables(ansible: Ansible, database: Database, root: Path, files: dict[str, str]) -> dict[str, object]:
    return {**database.variables(root, write_set(ansible.home / "set", files)), "pg_migrate_confirm": database.name}


@pytest.mark.parametrize("first", FIRST)
def test_in_the_container_of_the_job_a_run_is_refused_with_advice(
    ansible: Ansible, database: Database, backup_root: Path, first: str
) -> None:
    before = database.fingerprint()
    played = ansible.run(argv(ansible, variables(ansible, database, backup_root, GOOD), first))
    assert (played.status, played.verdict("one")) == (2, "refused: nothing was changed"), played.output
    assert '"check": "execution_environment"' in played.flat
    assert "The target is the container of this job" in played.flat
    assert "pg_migrate_waive: {checks: {execution_environment: REASON}}" in played.flat
    assert database.fingerprint() == before
    assert everything(backup_root) == []


def test_with_a_reason_it_is_done_there_and_the_reason_is_reported(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    played = ansible.run(argv(ansible, {**variables(ansible, database, backup_root, GOOD), **ACCEPTED}))
    assert (played.status, played.verdict("one")) == (0, "migrated and verified"), played.output
    assert REASON in played.flat
    (report,) = backup_root.glob("*/migration_*/audit_report.txt")
    assert f"(Waived: {REASON})" in " ".join(report.read_text().split())


@pytest.mark.fault(62)
def test_what_ends_with_its_container_the_next_run_undoes(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    before = database.fingerprint()
    given = {**variables(ansible, database, backup_root, SLOW), **ACCEPTED}
    with terminal(ansible, argv(ansible, given)) as play:

        def sleeps() -> bool:
            assert not play.ended(), play.said
            return database.admin(SLEEPING.format(database.name)) == "1"

        until(sleeps, "the second file runs")
        os.kill(play.pid, signal.SIGKILL)
        play.wait()
    until(lambda: not backends(database.server), "everybody of ours has gone")
    assert database.name not in database.admin("SELECT datname FROM pg_database").split()
    recover.run(requests.recover(database.target, backup_root))
    require_whole(database, before)
