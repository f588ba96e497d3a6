# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Long tests over random cases: the servers of tests/server, a seed that is said, and figures at the end.

PGSAFE_SEED draws the same cases again; PGSAFE_CASES says how many of each sort.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.tests.server import conftest as servers
from ansible_collections.pgsafe.migration.tests.server.conftest import (
    ansible,
    backup_root,
    clone,
    controller,
    database,
    logins,
    place,
    pytest_configure,
    pytest_generate_tests,
    pytest_runtest_call,
    running,
    sample,
    server,
)

# pytest finds fixtures and hooks by their names in this file.
__all__ = [
    "ansible",
    "backup_root",
    "clone",
    "controller",
    "database",
    "logins",
    "place",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_call",
    "running",
    "sample",
    "server",
]

SEED = int(os.environ.get("PGSAFE_SEED") or secrets.randbelow(1 << 32))
FIGURES = pytest.StashKey[list[str]]()


def pytest_report_header() -> str:
    return f"seed: PGSAFE_SEED={SEED}"


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def cases() -> int:
    """How many random cases of each sort."""
    return int(os.environ.get("PGSAFE_CASES") or 250)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines that are printed at the end."""
    return request.config.stash.setdefault(FIGURES, [])


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """What the cases have come to, counted; printed at the end."""
    counted: Counter[str] = Counter()
    yield counted
    lines = request.config.stash.setdefault(FIGURES, [])
    lines += [f"{times:4} {what}" for what, times in sorted(counted.items())]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    servers.pytest_terminal_summary(terminalreporter)
    terminalreporter.section("figures")
    terminalreporter.write_line(f"seed: PGSAFE_SEED={SEED}")
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)
