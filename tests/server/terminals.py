# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A play at a terminal of its own, which a test types at, closes, or whose processes it kills."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.plays import QUESTION, Ansible
from ansible_collections.pgsafe.migration.tests.server.support import until

CTRL_C = b"\x03"


class Terminal:
    """A play that somebody sits in front of; everything it draws is read all the time."""

    def __init__(self, ansible: Ansible, argv: Sequence[str], variables: Mapping[str, str]) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(ansible.home)
            env = {**ansible.environment(), **variables}
            os.execvpe(argv[0], list(argv), env)  # noqa: S606  # a child of a pty, not a shell
        self.status: int | None = None
        self._drawn = b""
        self._gone = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def drawn(self) -> str:
        """With all that moves the cursor."""
        return self._drawn.decode("utf-8", "replace")

    @property
    def said(self) -> str:
        return self.drawn.replace("\r\n", "\n")

    @property
    def flat(self) -> str:
        """As one line, since Ansible breaks long messages where it likes."""
        return " ".join(self.said.split())

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def press_ctrl_c(self) -> None:
        """Ctrl+C, until Ansible's main process has taken it: two that are still on their way are one for the kernel."""
        before = self.said.count("^C")
        self.type(CTRL_C)
        until(lambda: self.ended() or (self.said.count("^C") > before and self._rests()), "Ctrl+C is taken")

    def _rests(self) -> bool:
        """Whether the main process sleeps and no signal waits for it."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return True
        said = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return said["State"].startswith("S") and not any(int(said[name], 16) for name in ("SigPnd", "ShdPnd"))

    def asks(self) -> bool:
        """Whether a person is asked to confirm, and would be heard."""
        return QUESTION in self.flat

    def close(self) -> None:
        """As when a window is closed: everybody with this terminal gets SIGHUP."""
        if not self._gone.is_set():
            self._gone.set()
            self._reader.join()
            os.close(self._master)

    def ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def wait(self) -> int:
        until(self.ended, f"the play ends: {self.said[-3000:]}")
        assert self.status is not None
        return self.status

    def _read(self) -> None:
        while not self._gone.is_set():
            ready, _unused, _unused2 = select.select([self._master], [], [], 0.1)
            try:
                chunk = os.read(self._master, 1 << 16) if ready else b""
            except OSError:
                return
            self._drawn += chunk


@contextmanager
def terminal(ansible: Ansible, argv: Sequence[str], variables: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """
    :param variables: of the environment, beside those of the test's own.
    """
    opened = Terminal(ansible, argv, variables or {})
    try:
        yield opened
    finally:
        if not opened.ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(opened.pid, signal.SIGKILL)
            os.waitpid(opened.pid, 0)
        opened.close()


def family(pid: int) -> list[int]:
    """A process and all that it has started, and they, as long as their parents live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for known in found:
        found += children.get(known, [])
    return found
