# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A signal ends the work wherever it arrives, and never in the middle of what would be left half done.

Each of these is a process of its own: what goes wrong here hangs.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

BEGINNING = """
import os, signal, subprocess, threading, time
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import parallel
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import signals
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Interrupted

def struck():
    os.kill(os.getpid(), signal.SIGTERM)
"""

# The signal arrives behind the taking of Popen's own lock, which nobody would give back.
IN_A_LOCK = """
class Lock:
    def __init__(self):
        self._lock, self._times = threading.Lock(), 0
    def acquire(self, *how):
        found = self._lock.acquire(*how)
        self._times += found
        if found and self._times == 3:
            struck()
        return found
    def release(self):
        self._lock.release()
    def __enter__(self):
        self.acquire()
    def __exit__(self, *_error):
        self.release()

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **words):
        super().__init__(*arguments, **words)
        self._waitpid_lock = Lock()

subprocess.Popen = Popen
try:
    with signals.raised():
        commands.run(commands.Command(("sleep", "600")))
except Interrupted as error:
    print(error.what)
"""

# The signal arrives when the program has been started, and nobody knows of it yet.
IN_A_START = """
class Popen(subprocess.Popen):
    def __init__(self, *arguments, **words):
        super().__init__(*arguments, **words)
        started.append(self)
        struck()

started = []
subprocess.Popen = Popen
try:
    with signals.raised():
        commands.run(commands.Command(("sleep", "600")))
except Interrupted as error:
    print(error.what, started[0].poll() is not None)
"""

# An error that is raised in a destructor is printed and forgotten; the next signal is heard.
IN_A_DESTRUCTOR = """
class Falling:
    def __del__(self):
        struck()
        time.sleep(0)

os.close(2)
try:
    with signals.raised():
        Falling()
        threading.Timer(0.1, struck).start()
        time.sleep(600)
except Interrupted as error:
    print(error.what)
"""

# What puts things back behind an error is not broken off by another signal.
IN_WHAT_FOLLOWS = """
try:
    with signals.raised():
        try:
            struck()
            time.sleep(600)
        finally:
            struck()
            time.sleep(0)
            print("put back", end=" ")
except Interrupted as error:
    print(error.what)
"""

# Threads that are waited for can end, also where the signal arrives when all that they end with has been locked.
IN_A_WAIT = """
from concurrent.futures import _base
entered = _base._AcquireFutures.__enter__

def enter(self):
    entered(self)
    struck()

_base._AcquireFutures.__enter__ = enter

def piece(stop):
    while True:
        stop.check()
        time.sleep(0.01)

try:
    with signals.raised():
        threading.Timer(0.2, struck).start()
        parallel.together([piece, piece])
except Interrupted as error:
    print(error.what)
"""

# The signal arrives when something has been made, and again while it is unmade.
IN_A_MAKING = """
def make():
    struck()
    time.sleep(0)
    return "made"

def unmake(it):
    struck()
    time.sleep(0)
    print("un" + it, end=" ")

try:
    with signals.raised(), signals.made(make, unmake):
        time.sleep(600)
except Interrupted as error:
    print(error.what)
"""

# A program that runs beside is ended, though the signal arrives as it has been started.
IN_A_START_BESIDE = """
class Popen(subprocess.Popen):
    def __init__(self, *arguments, **words):
        super().__init__(*arguments, **words)
        started.append(self)
        struck()

started = []
subprocess.Popen = Popen
try:
    with signals.raised(), commands.background(["sleep", "600"], b"", 1, {}):
        time.sleep(600)
except Interrupted as error:
    print(error.what, started[0].poll() is not None)
"""

SAID = "The migration was interrupted by SIGTERM."
PROGRAMS = {
    "in a lock": (IN_A_LOCK, SAID),
    "in a start": (IN_A_START, f"{SAID} True"),
    "in a destructor": (IN_A_DESTRUCTOR, SAID),
    "in what follows": (IN_WHAT_FOLLOWS, f"put back {SAID}"),
    "in a wait": (IN_A_WAIT, SAID),
    "in a making": (IN_A_MAKING, f"unmade {SAID}"),
    "in a start beside": (IN_A_START_BESIDE, f"{SAID} True"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_signal_ends_the_work_wherever_it_arrives(program: str) -> None:
    text, said = PROGRAMS[program]
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": "/usr/bin:/bin"}
    argv = [sys.executable, "-c", BEGINNING + text]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout.strip(), done.stderr) == (said, "")


DEFERRED = """
try:
    with signals.raised(), signals.deferred():
        struck()
        time.sleep(0)
        print("done", end=" ")
except Interrupted as error:
    print(error.what, end=" ")
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
"""


def test_what_is_deferred_comes_behind_and_who_ignored_it_goes_on_to_do_so() -> None:
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": "/usr/bin:/bin"}
    ignoring = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    argv = [sys.executable, "-c", ignoring + BEGINNING + DEFERRED]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout.strip(), done.stderr) == (f"done {SAID} True True", "")
