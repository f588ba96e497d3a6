# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signals in a main process that has guarded hosts: in a process of its own each, since they would end the tests."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

PROGRAM = """
import os, signal, sys
from ansible_collections.pgsafe.migration.plugins.plugin_utils import shield
number, times, guarded = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "guarded"
# Behind "&" and nohup the tests' own signals are ignored, which a child inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
shield.install()
try:
    if guarded and os.fork() == 0:
        with shield.guarded():
            signal.pause()
    if guarded:
        while not any(shield.PAGE[3:]):
            pass
    shield.window({"window": shield.OPEN, "question": shield.KEYS}.get(sys.argv[3], shield.CLOSED))
    for _time in range(times):
        os.kill(os.getpid(), number)
    os.write(1, shield.asked().encode() or b"nobody asked")
except KeyboardInterrupt:
    os.write(1, b"interrupted")
finally:
    os.killpg(0, signal.SIGKILL)
"""


def end_of(number: int, times: int, guarded: str) -> str:
    """What is said by a main process that gets a signal some times."""
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": ""}
    argv = [sys.executable, "-c", PROGRAM, str(int(number)), str(times), guarded]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, start_new_session=True, check=False)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 2])
def test_while_a_host_is_guarded_a_signal_is_taken_and_remembered(number: signal.Signals, times: int) -> None:
    assert end_of(number, times, "guarded") == number.name


def test_between_two_tasks_of_a_fenced_host_a_signal_is_taken_too() -> None:
    assert end_of(signal.SIGINT, 2, "window") == "SIGINT"
    assert end_of(signal.SIGINT, 3, "window") == "interrupted"


def test_where_a_person_is_asked_only_a_late_ctrl_c_is_taken() -> None:
    assert end_of(signal.SIGINT, 1, "question") == "SIGINT"
    assert end_of(signal.SIGTERM, 1, "question") == ""


def test_a_third_one_is_passed_on() -> None:
    assert end_of(signal.SIGINT, 3, "guarded") == "interrupted"


def test_while_no_host_is_guarded_the_first_one_is_passed_on() -> None:
    assert end_of(signal.SIGINT, 1, "open") == "interrupted"


def test_a_signal_that_nobody_handled_before_still_ends_the_process() -> None:
    assert end_of(signal.SIGTERM, 1, "open") == ""
