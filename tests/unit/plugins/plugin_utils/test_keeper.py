# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A keeper stays with the guard that it is given, and outlives the worker that has forked it."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

# A main process, its worker, and the worker's keeper; what the keeper does is said by the pipe, whose end is theirs.
PROGRAM = """
import os, sys, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils import keeper
reading, writing = os.pipe()
going, leave = os.pipe()

def keep(guard, trap):
    os.write(writing, f"{guard['directory']} {trap.orphaned} {trap.reason or 'there'};".encode())
    os.write(leave, b"x")
    while not trap.reason:
        time.sleep(0.01)
    os.write(writing, trap.reason.encode())

if os.fork() == 0:
    if os.fork() == 0:
        with keeper.ready(keep) as stay:
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
