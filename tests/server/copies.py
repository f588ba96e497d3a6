# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a real backup at other places: the places, what is in them, and processes that die while they copy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

# What changes a place, step by step: the owner of a function, and its name.
Steps = Iterable[tuple[object, str]]


def directory(parent: Path, name: str) -> Path:
    """A new directory that can be a place, or be fetched to."""
    made = parent / name
    made.mkdir(mode=0o700)
    return made


def contents(backup: Path) -> dict[str, bytes]:
    """Of all but the log, which is of the run of each place."""
    return {path.name: path.read_bytes() for path in backup.iterdir() if path.suffix != ".log"}


def under(backup: Path) -> str:
    """The directory of a backup in any place."""
    return f"{backup.parent.name}/{backup.name}"


def dies(work: Callable[[], object], steps: Steps, behind: int) -> bool:
    """Work in a process that is killed behind so many of its steps; False when it came to its end before."""
    child = os.fork()
    if child == 0:
        _count(pytest.MonkeyPatch(), steps, behind)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _count(monkeypatch: pytest.MonkeyPatch, steps: Steps, behind: int) -> None:
    left = iter(range(1, behind))

    def stepping(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments: object, **keywords: object) -> object:
            result = real(*arguments, **keywords)
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        monkeypatch.setattr(owner, name, counted)

    for owner, name in steps:
        stepping(owner, name)


def python_without(package: str, home: Path) -> dict[str, str]:
    """The variables of a target whose Python lacks a package."""
    (directory(home, "site") / "sitecustomize.py").write_text(f'import sys; sys.modules["{package}"] = None')
    python = home / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={home}/site exec {sys.executable} "$@"\n')
    python.chmod(0o700)
    return {"ansible_python_interpreter": str(python)}
