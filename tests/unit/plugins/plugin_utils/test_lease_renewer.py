# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lease renewer stays with the guard that it is given, and outlives the worker that has forked it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import channel as channels
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel, State
from ansible_collections.pgsafe.migration.plugins.plugin_utils.far_channel import FarChannel
from ansible_collections.pgsafe.migration.plugins.plugin_utils.lease_renewer import LeaseRenewal
from ansible_collections.pgsafe.migration.plugins.plugin_utils.main_process import MainProcess
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import Trap
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

# A main process, its worker, and the worker's lease renewer; what that does is said by the pipe, whose end is theirs.
PROGRAM = """
import os, sys, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils import lease_renewer
reading, writing = os.pipe()
going, leave = os.pipe()

def renew(guard, trap):
    os.write(writing, f"{guard['directory']} {trap.orphaned} {trap.reason or 'there'};".encode())
    os.write(leave, b"x")
    while not trap.reason:
        time.sleep(0.01)
    os.write(writing, trap.reason.encode())

if os.fork() == 0:
    if os.fork() == 0:
        with lease_renewer.ready(renew) as stay:
            if "begun" in sys.argv:
                stay({"directory": "/a"})
            if "broken" in sys.argv:
                os._exit(1)
        os._exit(0)
    os.close(writing)
    os.close(leave)
    os.read(going, 1)
    os._exit(0)
os.close(writing)
found = b""
while chunk := os.read(reading, 100):
    found += chunk
print(found.decode())
"""


def said(*arguments: str) -> tuple[str, str]:
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": ""}
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout, done.stderr


def test_it_stays_when_the_worker_has_ended_and_hears_of_the_end_of_the_main_process() -> None:
    assert said("begun") == ("/a True there;The controller is gone.\n", "")


def test_it_goes_when_nothing_was_begun() -> None:
    assert said() == ("\n", "")


def test_it_goes_when_the_worker_was_killed_before_that() -> None:
    assert said("broken") == ("\n", "")


class Target:
    """The directory of a run, reached by a real shell; what the guard says next is put there behind each poll."""

    def __init__(self, directory: Path, *states: str) -> None:
        self.channel = Channel(directory / "run")
        self.channel.open()
        self.polls = 0
        self._states = list(states)
        self._say_next()

    def execute(self, command: str) -> dict[str, Any]:
        found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        if "cat" in command:
            self.polls += 1
            self._say_next()
        return {"stdout": found.stdout}

    def _say_next(self) -> None:
        if self._states:
            self.channel.say(State(self._states.pop(0)))


@pytest.fixture
def trap() -> Trap:
    return Trap(MainProcess(), read=False)


def renew(target: Target, trap: Trap, **options: bool) -> None:
    LeaseRenewal(FarChannel(target.execute, str(target.channel.directory)), 0.01, trap, **options).run()


@pytest.mark.parametrize(
    ("state", "told"), [(channels.TASKS, "Ctrl+C at the controller."), (channels.RUNNING, "")]
)
def test_the_guard_is_informed_of_ctrl_c_while_the_tasks_of_the_user_run(
    tmp_path: Path, trap: Trap, state: str, told: str
) -> None:
    trap.take(signal.SIGINT, None)
    target = Target(tmp_path, state, channels.ENDED)
    renew(target, trap)
    assert target.channel.aborted() == told


@pytest.mark.parametrize(("tasks_only", "polls"), [(False, 3), (True, 2)])
def test_a_lease_is_renewed_to_the_end_of_the_run_or_of_the_tasks(
    tmp_path: Path, trap: Trap, tasks_only: bool, polls: int
) -> None:
    target = Target(tmp_path, channels.TASKS, channels.RUNNING, channels.ENDED)
    os.utime(target.channel.directory / channels.LEASE, (0, 0))
    renew(target, trap, tasks_only=tasks_only)
    assert target.channel.renewed() > 0
    assert target.polls == polls
