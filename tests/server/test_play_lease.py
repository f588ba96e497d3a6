# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lease of a run, from the fence to the report: renewed while a person thinks, and over with the controller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.tests.server import interruptions
from ansible_collections.pgsafe.migration.tests.server.guarding import AN_HOUR, EVERY
from ansible_collections.pgsafe.migration.tests.server.interruptions import (
    PHASES,
    Phase,
    Playing,
    playing,
    require_whole,
)
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, until

ASKED = PHASES["confirm"]

# The mark of the fence is there, its setting is not.
FENCED_HALF = Phase(
    "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name ^@ 'pgsafe fence' AND wait_event_type = 'Lock'",
    lock="LOCK TABLE pg_db_role_setting IN SHARE MODE",
    probe=False,
)


@pytest.mark.fault(62)
@pytest.mark.parametrize(
    ("event", "lease", "reason"),
    [
        (interruptions.kill_controller, AN_HOUR, "The controller is gone."),
        (interruptions.power_off, 3, "No controller has renewed the lease for 3 s."),
    ],
    ids=["Ansible killed", "power off"],
)
def test_a_controller_that_is_gone_while_a_person_is_asked_leaves_no_fence(
    ansible: Ansible, database: Database, backup_root: Path, event: Callable[[Playing], None], lease: int, reason: str
) -> None:
    with playing(ansible, database, backup_root, ASKED, pg_migrate_guard={"lease": lease}) as play:
        (run,) = play.runs()
        assert run.state.fenced
        event(play)
        require_whole(play)
        abandoned = run.last(Event.ABANDONED)
        assert abandoned is not None
        assert abandoned.facts["reason"] == reason


@pytest.mark.fault(62)
def test_a_controller_that_is_killed_while_the_fence_is_raised_leaves_no_fence(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    with playing(ansible, database, backup_root, FENCED_HALF, pg_migrate_guard={"lease": AN_HOUR}) as play:
        interruptions.kill_controller(play)
        play.let_go()
        (run,) = play.runs()
        until(lambda: run.state.newest is not None and not run.state.fenced, "the fence is lifted")
        require_whole(play)
        abandoned = run.last(Event.ABANDONED)
        assert abandoned is not None
        assert abandoned.facts["reason"] == "The controller is gone."


def test_the_lease_is_renewed_while_a_person_is_asked(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    options: dict[str, Any] = {"pg_migrate_guard": {"lease": 2}, "pg_migrate_copy_to": [{"path": str(place)}]}
    with playing(ansible, database, backup_root, replace(ASKED, files=GOOD), **options) as play:
        (run,) = play.runs()
        # Fence, backup and proof: one guard for all of them.
        assert [len(play.processes(role)) for role in EVERY] == [1, 1, 0]
        lease = run.directory / "lease"
        for _time in range(8):
            seen = lease.stat().st_mtime_ns
            until(lambda: lease.stat().st_mtime_ns != seen, "the lease is renewed")  # noqa: B023  # called at once
        assert run.state.fenced
        play.terminal.type(b"yes\n")
        assert play.terminal.wait() == 0, play.terminal.said
        # Every task of the run ships the same program, whose bytecode serves all of its processes.
        assert len(list(run.directory.glob("guard_*.pyz"))) == 1
    assert "one migrated and verified" in play.terminal.flat
    assert f" Copy: {place / database.name}/migration_{run.directory.name} Size: " in play.terminal.flat
