# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every phase and event with every ansible-core, connection and callback, and how soon the rollback begins.

Which of the three go together is drawn for each phase and event by PGSAFE_SEED, since each case takes a play or two.
With PGSAFE_MATRIX=whole all of them go together with each other, 24 cases of each phase and event, which takes hours.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.exhaustive.conftest import SEED
from ansible_collections.pgsafe.migration.tests.server import matrix
from ansible_collections.pgsafe.migration.tests.server.interruptions import PHASES
from ansible_collections.pgsafe.migration.tests.server.matrix import Case, Setting
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database

AN_HOUR = 3600.0
LEASE_SECONDS = 4.0
AT_ONCE_SECONDS = 1.0

KEYS = ("ctrl_c", "ctrl_c_twice")
ENDS = ("ctrl_c", "terminate", "hang_up", "kill_controller")
KILLS = ("kill_guard", "kill_worker", "end_sessions", "kill_psql", "crash")


def cases(phases: tuple[str, ...], events: tuple[str, ...]) -> list[Case]:
    return [Case(setting, phase, event) for phase in phases for event in events for setting in _settings(phase, event)]


def _settings(phase: str, event: str) -> list[Setting]:
    there = matrix.settings()
    if os.environ.get("PGSAFE_MATRIX") == "whole":
        return there
    drawn = random.Random(f"{SEED} {phase} {event}")  # noqa: S311  # cases of a test, no secrets
    columns = [list(dict.fromkeys(getattr(setting, name) for setting in there)) for name in Setting.__annotations__]
    for column in columns:
        drawn.shuffle(column)
    rows = range(max(map(len, columns)))
    return [Setting(*(column[row % len(column)] for column in columns)) for row in rows]


@pytest.mark.fault(61)
@pytest.mark.parametrize("case", cases(tuple(PHASES), KEYS), ids=str)
def test_ctrl_c_in_any_phase_leaves_the_database_as_it_was(
    controller: Callable[[Setting], Ansible], database: Database, backup_root: Path, case: Case
) -> None:
    matrix.interrupt(controller(case.setting), database, backup_root, case, AN_HOUR)


@pytest.mark.fault(62)
@pytest.mark.parametrize("case", cases(("migrate", "own task"), ENDS), ids=str)
def test_the_rollback_begins_within_a_second_of_the_end_of_its_controller(
    controller: Callable[[Setting], Ansible],
    database: Database,
    backup_root: Path,
    case: Case,
    figure: Callable[[str], None],
) -> None:
    seconds = matrix.interrupt(controller(case.setting), database, backup_root, case, AN_HOUR)
    figure(f"{seconds:5.2f} s until the journal tells of {case}")
    assert seconds is not None
    assert seconds < AT_ONCE_SECONDS


@pytest.mark.fault(62)
@pytest.mark.parametrize("case", cases(("migrate", "own task"), ("power_off",)), ids=str)
def test_the_rollback_begins_within_the_lease_when_all_of_its_controller_is_gone(
    controller: Callable[[Setting], Ansible],
    database: Database,
    backup_root: Path,
    case: Case,
    figure: Callable[[str], None],
) -> None:
    seconds = matrix.interrupt(controller(case.setting), database, backup_root, case, LEASE_SECONDS)
    figure(f"{seconds:5.2f} s until the journal tells of {case}, with a lease of {LEASE_SECONDS:g} s")
    assert seconds is not None
    assert seconds < LEASE_SECONDS + AT_ONCE_SECONDS


@pytest.mark.fault(64)
@pytest.mark.fault(65)
@pytest.mark.parametrize("case", cases(("migrate",), KILLS), ids=str)
def test_whatever_is_killed_on_the_target_leaves_the_database_as_it_was(
    controller: Callable[[Setting], Ansible],
    database: Database,
    backup_root: Path,
    case: Case,
    figure: Callable[[str], None],
) -> None:
    seconds = matrix.interrupt(controller(case.setting), database, backup_root, case, AN_HOUR)
    figure(f"{seconds:5.2f} s until the journal tells of {case}")
