# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How wide the terminal is that the main process writes to, asked by a worker whose own output leads nowhere."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import terminals

_WORKER = f"import sys; from {terminals.__name__} import width; sys.stderr.write(str(width()))"
_MAIN = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WORKER!r}], stdout=subprocess.DEVNULL)"


def told(stdout: int, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in (*terminals.UNATTENDED, "TERM")}
    env = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables}
    return subprocess.run(
        [sys.executable, "-c", _MAIN], stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, check=True
    ).stderr


@pytest.mark.parametrize(
    ("columns", "variables", "expected"),
    [
        (132, {"TERM": "xterm"}, "132"),
        (0, {"TERM": "xterm"}, "80"),
        (132, {"TERM": "dumb"}, "0"),
        (132, {}, "0"),
        (132, {"TERM": "xterm", "AWX_JOB_ID": "7"}, "0"),
    ],
)
def test_a_terminal_that_somebody_looks_at_has_a_width(columns: int, variables: dict[str, str], expected: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    try:
        assert told(theirs, **variables) == expected
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_pipe_is_no_terminal() -> None:
    assert told(subprocess.DEVNULL, TERM="xterm") == "0"
