# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Python an environment of the tests is made with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import environments

# No machine has it, so that what is found is what the test has put there.
NOWHERE = (3, 98)


def _command(directory: Path, script: str) -> Path:
    directory.mkdir(parents=True)
    command = directory / "python3.98"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return command


def test_the_running_python_is_taken_where_it_fits() -> None:
    assert environments.interpreter((3, 0), (3, 99)) == sys.executable


def test_a_command_that_does_not_start_is_passed_over_for_one_of_a_version_that_pyenv_has_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shims = _command(tmp_path / "shims", "echo command not found >&2; exit 127").parent
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert environments.interpreter(NOWHERE, NOWHERE) is None
    there = _command(tmp_path / "versions" / "3.98.1" / "bin", "exit 0")
    assert environments.interpreter(NOWHERE, NOWHERE) == str(there)
