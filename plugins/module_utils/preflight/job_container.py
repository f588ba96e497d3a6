# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether this process is in a container that is there for a play alone, and ends with it: so would a guard.

An execution environment is one, when the connection is local, and so is what a CI runs its job in: the first process
of such a container is Ansible itself, a shell that calls it, or an init that ends with whatever it has started. Where
there is no /proc, nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..ports.database import Session

_PROC = Path("/proc")
_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh"})
_ENDS_WITH_ITS_CHILD = frozenset({"catatonit", "docker-init", "dumb-init", "podman-init", "tini"})

# Of a command line, for people.
_MOST_WORDS = 3


def first_process(reader: Session) -> str:
    """The command of the first process of such a container; empty elsewhere, and where the server is in it as well."""
    if _is_here(int(reader.value("SELECT pg_backend_pid()"))):
        return ""
    above = list(_above(os.getpid()))
    if not above or above[-1][0] != 1 or not any(_is_ansible(words) for _pid, words in above):
        return ""
    words = above[-1][1]
    ends = _is_ansible(words) or _name(words[0]) in _SHELLS | _ENDS_WITH_ITS_CHILD
    return " ".join(word.rpartition("/")[2] for word in words[:_MOST_WORDS]) if ends else ""


def _is_here(backend: int) -> bool:
    """Whether the server's process is one that is seen from here, and not only one with its number."""
    return any("postgres" in word for word in _words(backend))


def _above(pid: int) -> Iterator[tuple[int, list[str]]]:
    """Those that have started a process, from the nearest on; what was put into a container has none in it."""
    while (pid := _parent(pid)) > 0:
        yield pid, _words(pid)


def _parent(pid: int) -> int:
    try:
        # The name of a program may have spaces and parentheses.
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _words(pid: int) -> list[str]:
    try:
        found = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return [""]
    return found.decode("utf-8", "replace").rstrip("\0").split("\0")


def _is_ansible(words: list[str]) -> bool:
    """It, or its interpreter; modules are called AnsiballZ_…."""
    return any(_name(word).startswith("ansible") for word in words[:2])


def _name(word: str) -> str:
    """A login shell is called with a hyphen before its name."""
    return word.rpartition("/")[2].lstrip("-")
