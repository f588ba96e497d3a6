# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far this process and its children have read or written the files of a directory, as the system reports it.

The programs need not cooperate: https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html. Where there is no
/proc, nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class OpenFile:
    """:param done: bytes written so far, or the place that is being read.
    :param size: bytes of the file as it is now.
    """

    name: str
    done: int
    size: int
    writing: bool


def look(directory: Path) -> list[OpenFile]:
    """The files of the directory that this process or its descendants have open."""
    beginning = f"{directory}/"
    return [found for pid in _family(os.getpid()) for found in _of_process(pid, beginning)]


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for listed in (_PROC / str(pid) / "task").glob("*/children"):
            for child in listed.read_text().split():
                yield from _family(int(child))


def _of_process(pid: int, beginning: str) -> Iterator[OpenFile]:
    process = _PROC / str(pid)
    # The process or the file may be gone by now.
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            path = str(descriptor.readlink())
            if path.startswith(beginning):
                yield _found(process / "fdinfo" / descriptor.name, descriptor, path[len(beginning) :])


def _found(information: Path, descriptor: Path, name: str) -> OpenFile:
    """
    :raises OSError: the file was closed meanwhile.
    """
    facts = dict(line.split(":", 1) for line in information.read_text().splitlines() if ":" in line)
    size = descriptor.stat().st_size
    writing = int(facts["flags"], 8) & os.O_ACCMODE != os.O_RDONLY
    return OpenFile(name, size if writing else int(facts["pos"]), size, writing)
