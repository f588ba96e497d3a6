# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a worker notices of the end of its controller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import trapped
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

# A main process that forks a worker and dies; the worker says what it has noticed.
PROGRAM = """
import os, time
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import trapped
read, write = os.pipe()
if os.fork():
    os.read(read, 1)
    os._exit(0)
with trapped() as trap:
    os.write(write, b"x")
    while not trap.reason:
        time.sleep(0.01)
    os.write(1, f"{trap.reason} {trap.orphaned}".encode())
"""

# A worker of Ansible's, which Ctrl+C ends at once, even while it holds the lock of the queue of results.
HANDING_OVER = """
import os, signal
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import trapped
signal.signal(signal.SIGINT, lambda number, frame: os._exit(1))
with trapped():
    pass
os.kill(os.getpid(), signal.SIGINT)
print("handed over")
"""


def run(program: str) -> tuple[str, str]:
    env = {"PYTHONPATH": str(COLLECTION.parents[2]), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_a_signal_is_a_reason_and_nobody_reads_any_more() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with trapped() as trap:
        assert (trap.reason, trap.orphaned) == ("", False)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (trap.reason, trap.orphaned) == ("SIGTERM at the controller.", True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_main_process_that_is_gone_is_a_reason() -> None:
    assert run(PROGRAM) == ("The controller is gone. True", "")


def test_a_second_ctrl_c_does_not_end_a_worker_that_hands_its_result_over() -> None:
    assert run(HANDING_OVER) == ("handed over\n", "")
