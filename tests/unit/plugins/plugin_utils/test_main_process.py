# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of the main process, as its child sees it, and a child of that which has outlived its parent."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

# A main process forks a worker, that a lease renewer, and the main process dies when the renewer has looked. Its own
# parent only takes leave of it (or not) when the renewer has said what it has noticed.
PROGRAM = """
import os, signal, sys, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils.main_process import MainProcess
if "without" in sys.argv:
    del os.pidfd_open
reading, writing = os.pipe()
main = os.fork()
if main == 0:
    if os.fork() == 0:
        seen = MainProcess()
        if os.fork() == 0:
            os.write(writing, b"before " if not seen.gone else b"wrong ")
            while not seen.gone:
                time.sleep(0.01)
            os.write(writing, b"after")
        os._exit(0)
    while True:
        time.sleep(1)
said = os.read(reading, 100)
os.kill(main, signal.SIGKILL)
if "taken" in sys.argv:
    os.waitpid(main, 0)
print((said + os.read(reading, 100)).decode())
"""

# A worker that is late: the main process has ended before it looks for the first time.
LATE = """
import multiprocessing, os, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils.main_process import MainProcess
reading, writing = os.pipe()

def work(main):
    while os.getppid() == main:
        time.sleep(0.01)
    os.write(writing, str(MainProcess().gone).encode())

if os.fork() == 0:
    multiprocessing.get_context("fork").Process(target=work, args=[os.getpid()]).start()
    os._exit(0)
print(os.read(reading, 100).decode())
"""

# A main process that is stopped, and goes on.
STOPPED = """
import os, signal, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils.main_process import MainProcess
reading, writing = os.pipe()
main = os.fork()
if main == 0:
    if os.fork() == 0:
        seen = MainProcess()
        for wanted in (False, True, False):
            while seen.stopped != wanted:
                time.sleep(0.01)
            os.write(writing, b"x")
        os._exit(0)
    while True:
        time.sleep(1)
for number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL):
    os.read(reading, 1)
    os.kill(main, number)
os.waitpid(main, 0)
"""


def said(program: str, *arguments: str) -> tuple[str, str]:
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": ""}
    argv = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["taken"], id="killed"),
        pytest.param([], id="killed, and nobody has taken leave of it"),
        pytest.param(["taken", "without"], id="killed, on a system that only has its number"),
    ],
)
def test_one_that_has_outlived_its_parent_sees_the_end_of_the_main_process(arguments: list[str]) -> None:
    assert said(PROGRAM, *arguments) == ("before after\n", "")


def test_it_is_seen_when_it_is_suspended_and_when_it_goes_on() -> None:
    assert said(STOPPED) == ("", "")


def test_a_worker_knows_that_the_main_process_has_ended_before_it_looked() -> None:
    assert said(LATE) == ("True\n", "")
