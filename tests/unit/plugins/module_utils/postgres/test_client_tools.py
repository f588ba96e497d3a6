# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client tools of the server's own major are found, or it is told what there was instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools, pg_tools

MAJOR = 99  # of which no machine has tools


def _tools(directory: Path, said: str, programs: tuple[str, ...] = pg_tools.PROGRAMS, status: int = 0) -> str:
    directory.mkdir()
    for program in programs:
        path = directory / program
        path.write_text(f"#!/bin/sh\necho '{program} {said}'\nexit {status}\n")
        path.chmod(0o755)
    return str(directory)


def _target(bin_dir: str | None = None) -> Target:
    return Target({}, "app", bin_dir=bin_dir)


def test_tools_are_found_on_the_path_behind_those_of_another_major_and_broken_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = [
        _tools(
            tmp_path / "broken", "Error: You must install at least one postgresql-client-<version> package", status=1
        ),
        str(tmp_path / "nowhere"),
        _tools(tmp_path / "other", "(PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
        _tools(tmp_path / "right", f"(PostgreSQL) {MAJOR}.1"),
    ]
    monkeypatch.setenv("PATH", ":".join(path))
    found = client_tools.find(_target(), MAJOR)
    assert (found.major, found.version) == (MAJOR, "99.1")
    assert found["psql"] == f"{path[-1]}/psql"


def test_without_any_it_is_told_what_was_found_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _tools(tmp_path / "other", "(PostgreSQL) 15.18")
    broken = _tools(tmp_path / "broken", "", status=1)
    monkeypatch.setenv("PATH", f"{other}:{broken}")
    with pytest.raises(Refused, match=f"{other} has 15.18; {broken} has a broken one: .*postgresql-client-99"):
        client_tools.find(_target(), MAJOR)


def test_a_directory_that_was_named_is_not_searched_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _tools(tmp_path / "right", f"(PostgreSQL) {MAJOR}.1"))
    with pytest.raises(Refused, match=r"No client tools of PostgreSQL 99 were found\."):
        client_tools.find(_target(str(tmp_path / "named")), MAJOR)


def test_half_a_package_is_refused_by_what_is_missing(tmp_path: Path) -> None:
    half = _tools(tmp_path / "half", f"(PostgreSQL) {MAJOR}.1", ("pg_dump", "psql"))
    with pytest.raises(Refused, match=r"has pg_dump 99\.1, but no pg_dumpall, pg_restore"):
        client_tools.find(_target(half), MAJOR)
